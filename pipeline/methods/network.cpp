#include "core/error.h"
#include "image/resize.h"
#include "inference/enlarge.h"
#include "networks/registry.h"
#include "pipeline/method_run.h"
#include "pipeline/methods/rows.h"
#include "pipeline/trained.h"
#include "srmd/srmd.h"
#include "zssr/formation.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::pipeline {
namespace {

// Trained networks take it that both images cover the same area. For a photo whose pixels stand elsewhere their result
// is moved to where its pixels belong.
void move_to_phase(torch::Tensor& image, const Request& request) {
  if (!request.phase) return;
  const Phase assumed = centered_phase(request.scale);
  const Phase move{request.phase->y - assumed.y, request.phase->x - assumed.x};
  image = imresize(image, {1.0, 1.0}, {.method = Interpolation::kLanczos3, .phase = move}).clamp_(0.0, 1.0);
}

// The kernel where the photo's pixels stand, which a network that takes one needs; its result is in place then. In
// benchmarks with periodic boundaries the file says where that is.
BlurKernel kernel_in_place(const BlurKernel& kernel, const Request& request) {
  if (request.phase) return kernel.moved_to(*request.phase);
  return request.circular ? kernel : kernel.moved_to(centered_phase(request.scale));
}

void add_remark(Summary& summary, const std::string& remark) {
  if (!summary.message.empty()) summary.message += "; ";
  summary.message += remark;
}

// A trained network's result, made smaller again, need not be the photo; back-projection sees to that. It would put
// grain back in.
void back_project(MethodOutput& output, const MethodInput& input) {
  const int64_t times = input.request.back_projection.value_or(0);
  if (times == 0) return;
  const PhotoFormation& found = input.formation;
  if (found.noise >= kGrain) {
    add_remark(output.summary,
               fmt::format("back-projection would put the noise of {:.1f}/255 back in; left out", found.noise));
    return;
  }
  const std::optional<BlurKernel> kernel =
      found.kernels.empty() ? std::nullopt : std::optional<BlurKernel>(found.kernels[0]);
  const zssr::Formation formation(input.request.scale, kernel, input.request.phase);
  output.image = formation.back_project_tiled(output.image, input.color, times);
  output.record["back_projection"] = times;
  output.used["back_projection"] = times;
}

MethodOutput finished(torch::Tensor image, Summary summary, const MethodInput& input, nlohmann::json used) {
  MethodOutput output{std::move(image), std::move(summary), {}, {}, {}, std::move(used)};
  output.used["back_projection"] = 0;
  if (!input.request.trained->in_phase()) move_to_phase(output.image, input.request);
  back_project(output, input);
  return output;
}

template <typename Options>
nlohmann::json used_options(const Options& options, int64_t tile) {
  return {{"noise", options.noise}, {"ensemble", options.self_ensemble}, {"tile", tile}};
}

}  // namespace

static void prepare_srmd(Request& request) {
  const bool given = request.noise.source == NoiseRequest::Source::kGiven;
  if (given && request.noise.sigma > srmd::Options::kMostNoise) {
    throw OptionError(fmt::format("--noise {:g} must be from 0 to {:g} for srmd, which was trained for no more",
                                  request.noise.sigma, srmd::Options::kMostNoise));
  }
  const bool grid = request.kernel_grid.rows * request.kernel_grid.columns > 1 || !request.kernel_grid.kernels.empty();
  if (request.noise_map.defined() && request.trained && !request.trained->takes_noise()) {
    throw OptionError(
        fmt::format("'{}' is a network for photos without noise; leave --noise-map out", request.trained->weights));
  }
  if ((grid || request.noise_map.defined()) && request.back_projection.value_or(0) > 0) {
    throw OptionError(
        "--back-projection knows one kernel and one noise; leave it out beside --kernel-grid and --noise-map");
  }
}

static MethodOutput run_srmd(MethodInput& input) {
  const Request& request = input.request;
  const srmd::Network& network = *request.trained->srmd;
  srmd::Options options;
  // Kernels of a grid, given or found in its cells; one kernel is that of every cell.
  options.kernels = request.kernel_grid;
  options.kernels.kernels = input.formation.kernels;
  if (options.kernels.kernels.size() < 2) options.kernels.rows = options.kernels.columns = 1;
  options.noise_map = request.noise_map;
  // More noise than it was trained for it cannot remove; a level that the user named stands and is refused.
  options.noise = input.formation.noise;
  if (input.formation.plan.estimate_noise) options.noise = std::min(options.noise, srmd::Options::kMostNoise);
  options.self_ensemble = request.ensemble.value_or(false);
  options.keep_low_frequencies = request.keep_low_frequencies;
  if (request.tile > 0) options.tile = request.tile;
  srmd::Result result = srmd::run(input.color, network, *request.trained->pca, options, input.context);
  if (!network.knows_noise() && options.noise > 0.0) {
    add_remark(result.summary, fmt::format("'{}' is a network for photos without noise; the noise of {:.1f}/255 stays",
                                           request.trained->weights, options.noise));
  }
  return finished(result.image, result.summary, input, used_options(options, result.tile));
}

static MethodOutput run_network(MethodInput& input) {
  const Request& request = input.request;
  inference::Options options;
  options.scale = request.scale;
  if (!input.formation.kernels.empty()) options.kernel = kernel_in_place(input.formation.kernels[0], request);
  options.noise = input.formation.noise;
  options.self_ensemble = request.ensemble.value_or(false);
  options.keep_low_frequencies = request.keep_low_frequencies;
  options.circular = request.circular;
  if (request.tile > 0) options.tile = request.tile;
  inference::Result result = inference::enlarge(input.color, *request.trained->network, options, input.context);
  return finished(result.image, result.summary, input, used_options(options, result.tile));
}

static std::string describe_trained(const Request& request) {
  const Trained& trained = *request.trained;
  const FormationPlan plan = plan_formation(request, trained.method);
  return fmt::format("{} x{}: weights {}{}, ensemble {}, back-projection {}", trained.title,
                     format_scale(request.scale), trained.weights,
                     trained.takes_kernel()
                         ? fmt::format(", kernel {}, noise {}", plan.kernel_name,
                                       plan.estimate_noise ? "auto" : fmt::format("{:g}", plan.noise))
                         : "",
                     request.ensemble.value_or(false) ? "on" : "off", request.back_projection.value_or(0));
}

namespace {

Method method_of(const networks::Kind& kind) {
  using enum Setting;
  Method method{.name = kind.name,
                .title = kind.title,
                .settings = {kPhase, kEnsemble, kBackProjection, kTile, kDevice, kWeights, kKeepColors},
                .blind = kind.traits.takes_kernel,
                .network = true,
                .gives_hdr = kind.traits.gives_hdr,
                .run = run_network,
                .describe = describe_trained};
  if (kind.traits.gives_hdr) {
    // What compares the result with the photo has no meaning where it shows more light than the photo.
    method.settings = {kPhase, kEnsemble, kTile, kDevice, kWeights};
    method.examples =
        "  zsr {0} photo.jpg --weights fdan_x2.pth -o photo.avif\n"
        "  zsr {0} photos/ --weights fdan_x2.pth -o hdr/ --format avif --bit-depth 12\n";
  }
  if (kind.traits.takes_kernel) {
    for (const Setting setting : {kKernel, kKernelConvention, kNoise, kCircular, kSaveKernel})
      method.settings.push_back(setting);
  }
  return method;
}

}  // namespace

Method srmd_method() {
  using enum Setting;
  return {.name = "srmd",
          .title = "SRMD (Zhang et al. 2018), its own network or on EDSR's trunk",
          .settings = {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kDevice, kWeights,
                       kKeepColors, kSrmdMaps, kSaveKernel},
          .blind = true,
          .network = true,
          .run = run_srmd,
          .describe = describe_trained,
          .prepare = prepare_srmd};
}

std::deque<Method> network_methods() {
  std::deque<Method> all;
  for (const networks::Kind& kind : networks::kinds()) {
    if (!kind.not_for_photos.empty()) continue;
    // The others run within methods of their own.
    const bool by_itself = kind.traits.condition == networks::Condition::kNone ||
                           kind.traits.condition == networks::Condition::kDamage || kind.traits.takes_kernel;
    if (by_itself) all.push_back(method_of(kind));
  }
  return all;
}

}  // namespace zsr::pipeline
