#include "image/resize.h"
#include "inference/enlarge.h"
#include "pipeline/method_run.h"
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
nlohmann::json used_options(const Options& options) {
  return {{"noise", options.noise}, {"ensemble", options.self_ensemble}, {"tile", options.tile}};
}

}  // namespace

MethodOutput run_srmd(MethodInput& input) {
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
  return finished(result.image, result.summary, input, used_options(options));
}

MethodOutput run_network(MethodInput& input) {
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
  return finished(result.image, result.summary, input, used_options(options));
}

std::string describe_trained(const Request& request) {
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

}  // namespace zsr::pipeline
