#include "core/error.h"
#include "core/huge_pages.h"
#include "networks/all_kinds.h"
#include "networks/data_solver.h"
#include "networks/data_step.h"
#include "networks/periodic.h"
#include "networks/placed.h"
#include "networks/usrnet_prior.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;
using Tensors = std::vector<torch::Tensor>;
using Shapes = std::vector<Shape>;

constexpr size_t kLevels = 3;  // of the prior's U
constexpr int64_t kWhole = UsrnetPrior::kWhole;
constexpr int64_t kMargin = 24;  // LR pixels around the photo, at least: the data step has periodic boundaries

std::string place(const char* part, size_t level) {
  return fmt::format("{}{}", part, level + 1);
}

// Strengths of both steps in every iteration, from noise level and scale.
Value step_strengths(Graph& g, const Config& config, Value noise_and_scale) {
  constexpr double kLeast = 1e-6;
  const int64_t hidden = config.whole("hidden");
  const Graph::ConvOptions pixel{.side = 1};
  Value x = g.relu(g.conv("h.mlp.0", noise_and_scale, hidden, pixel));
  x = g.relu(g.conv("h.mlp.2", x, hidden, pixel));
  x = g.conv("h.mlp.4", x, 2 * config.whole("iterations"), pixel);
  return g.affine(g.activation(nn::Curve::kSoftplus, x), 1.0, kLeast);
}

// What the U needs: sides that are multiples of kWhole, continued by the edge pixels; and the cut back.
Value padded_to_whole(Graph& g, Value x) {
  const auto missing = [](int64_t length) { return (kWhole - length % kWhole) % kWhole; };
  return g.custom(
      {"pad to whole tiles",
       [=](const Shapes& in) {
         return Shape{in[0].channels, in[0].height + missing(in[0].height), in[0].width + missing(in[0].width)};
       },
       [=](const Tensors& in, const Tensors& /*none*/) {
         const torch::Tensor& image = in[0];
         return torch::replication_pad2d(image, {0, missing(image.size(3)), 0, missing(image.size(2))});
       }},
      {x});
}

// One number as a map of the size of `other`.
Value map_like(Graph& g, Value number, Value other) {
  return g.custom({"constant map",
                   [](const Shapes& in) {
                     return Shape{in[0].channels, in[1].height, in[1].width};
                   },
                   [](const Tensors& in, const Tensors& /*none*/) {
                     return in[0].expand({-1, -1, in[1].size(2), in[1].size(3)});
                   }},
                  {number, other});
}

// The data step (networks/data_step.h) and what of it is the same in all iterations; spectra are complex.
struct DataStep {
  DataStep(Graph& graph, Value photo, Value kernel, int64_t scale) : g(graph), s(scale) {
    const int64_t factor = scale;
    transfer = g.custom({"transfer function",
                         [=](const Shapes& in) {
                           return Shape{1, in[1].height * factor, in[1].width * factor};
                         },
                         [=](const Tensors& in, const Tensors& /*none*/) {
                           return transfer_function(in[0], {in[1].size(2) * factor, in[1].size(3) * factor});
                         }},
                        {kernel, photo});
    back = g.custom({"spectrum back",
                     [](const Shapes& in) {
                       return Shape{in[0].channels, in[1].height, in[1].width};
                     },
                     [=](const Tensors& in, const Tensors& /*none*/) { return spectrum_back(in[0], in[1], factor); }},
                    {photo, transfer});
  }

  Value operator()(Value z, Value alpha) const {
    return g.custom({"data step", [](const Shapes& in) { return in[0]; },
                     [factor = s](const Tensors& in, const Tensors& /*none*/) {
                       return data_step(in[0], in[1], in[2], in[3], factor);
                     },
                     -1},
                    {z, transfer, back, alpha});
  }

  Graph& g;
  int64_t s;
  Value transfer{};
  Value back{};
};

// USRNet (Zhang, Van Gool and Timofte, CVPR 2020): for any kernel, scale and noise; alternates an exact step for the
// data with a U-shaped denoiser, strengths of both given by a small network from noise and scale. Inputs: the photo;
// its kernel [N, 1, k, k']; noise (in [0, 1] units) and scale [N, 2, 1, 1].
Graph usrnet_graph(const Config& config) {
  const int64_t iterations = config.whole("iterations");
  Graph g;
  const Value photo = g.input(3);
  const Value kernel = g.input(1);
  const Value strengths = step_strengths(g, config, g.pool(g.input(2), nn::Pooling::kMean));
  UsrnetPrior prior(g, config);
  for (const int64_t scale : config.scales) {
    const DataStep explain(g, photo, kernel, scale);
    Value x = g.nearest(photo, scale);
    for (int64_t i = 0; i < iterations; ++i) {
      x = explain(x, g.slice(strengths, i, i + 1));
      const Value level = map_like(g, g.slice(strengths, iterations + i, iterations + i + 1), x);
      x = g.cut_to(prior(padded_to_whole(g, g.concat({x, level}))), x, 1);
    }
    g.output(x, scale);
  }
  return g;
}

std::optional<Config> read_usrnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("p.m_head.weight") || !shapes.has("h.mlp.0.weight")) return std::nullopt;
  Config config;
  config.scales = {1, 2, 3, 4};
  const int64_t blocks = shapes.count("p.m_body.", ".res.0.weight");
  config.set("blocks", static_cast<double>(blocks));
  config.set("width1", static_cast<double>(shapes.size("p.m_head.weight", 0)));
  for (size_t level = 0; level < kLevels; ++level) {
    const std::string strided = fmt::format("{}.{}.weight", place("p.m_down", level), blocks);
    config.set(place("width", level + 1), static_cast<double>(shapes.size(strided, 0)));
  }
  config.set("hidden", static_cast<double>(shapes.size("h.mlp.0.weight", 0)));
  config.set("iterations", static_cast<double>(shapes.size("h.mlp.4.weight", 0) / 2));
  config.set("residual", shapes.remark("residual", 0.0));
  return config;
}

// The strengths by themselves.
Graph strengths_graph(const Config& config) {
  Graph g;
  g.output(step_strengths(g, config, g.input(2)), 1);
  return g;
}

// A kernel that leaves every image as it is: all of its weight on its anchor.
bool is_identity(const BlurKernel& kernel) {
  constexpr double kRounding = 1e-6;
  const torch::Tensor& weights = kernel.weights();
  const double anchor = weights[kernel.height() / 2][kernel.width() / 2].item<double>();
  const double others = weights.abs().sum().item<double>() - std::abs(anchor);
  return others < kRounding && std::abs(anchor - 1.0) < kRounding;
}

// USRNet on photos, which do not continue periodically. On the CPU the iterations run one by one: the data step by
// DataSolver on the whole photo, the prior by UsrnetPriorRun.
class Usrnet : public Network {
 public:
  Usrnet(const Config& config, const WeightsFile& weights)
      : Network({}),
        model_(usrnet_graph(config)),
        strengths_(strengths_graph(config)),
        parameters_(nn::take_parameters(model_.graph(), weights, "USRNet")),
        strengths_parameters_(nn::take_parameters(strengths_.graph(), weights, "USRNet", {"p."})),
        prior_(config, weights),
        iterations_(config.whole("iterations")) {
    traits_.takes_kernel = true;
    traits_.reach = Traits::kWholePhoto;
    traits_.condition = Condition::kKernel;
  }

  torch::Tensor forward(const Input& input) const override {
    if (!input.kernel) throw OptionError("USRNet needs the photo's kernel");
    const torch::NoGradGuard no_grad;
    // Only the photo itself explains such a photo; the prior would change it.
    if (input.scale == 1 && input.noise == 0.0 && is_identity(*input.kernel)) return input.image.clone();
    const torch::Device device = input.image.device();
    const int64_t s = input.scale;
    const int64_t height = input.image.size(2);
    const int64_t width = input.image.size(3);
    // As far as the kernel reaches, and again.
    const int64_t reach = std::max(input.kernel->height(), input.kernel->width()) / s + 1;
    const auto margin = [&](int64_t length) {
      return input.circular ? Margin{} : mirrored_margin(length, std::max(kMargin, reach));
    };
    const Margin rows = margin(height);
    const Margin columns = margin(width);
    torch::Tensor y = input.image.to(torch::kCPU);
    if (!input.circular) {
      y = seamless(torch::reflection_pad2d(y, {columns.begin, columns.end, rows.begin, rows.end}), rows, columns);
    }
    const torch::Tensor kernel =
        input.kernel->weights().to(torch::kFloat32).view({1, 1, input.kernel->height(), input.kernel->width()});
    const auto known = torch::tensor({static_cast<float>(input.noise), static_cast<float>(s)}).view({1, 2, 1, 1});
    const torch::Tensor x = device.is_cpu() ? iterate(y.contiguous(), kernel, known, s)
                                            : model_.forward({y.to(device), kernel.to(device), known.to(device)},
                                                             parameters_.on(device), s);
    return x.narrow(2, rows.begin * s, height * s).narrow(3, columns.begin * s, width * s);
  }

 private:
  torch::Tensor iterate(const torch::Tensor& y, const torch::Tensor& kernel, const torch::Tensor& known,
                        int64_t s) const {
    const torch::Tensor strengths = strengths_.forward({known}, strengths_parameters_).flatten();
    const int64_t height = y.size(2) * s;
    const int64_t width = y.size(3) * s;
    const auto whole = [](int64_t length) { return (length + kWhole - 1) / kWhole * kWhole; };
    // The prior's input: the image, filled up to what the U needs, and a map of its noise level.
    const torch::Tensor seen = torch::empty({1, y.size(1) + 1, whole(height), whole(width)});
    const torch::Tensor made = torch::empty({1, y.size(1), whole(height), whole(width)});
    const auto image = [&](const torch::Tensor& filled) {
      return filled.narrow(1, 0, y.size(1)).narrow(2, 0, height).narrow(3, 0, width);
    };
    for (const torch::Tensor& image : {seen, made}) prefer_huge_pages(image.data_ptr(), image.nbytes());
    DataSolver solver(y, kernel, s);
    image(made).copy_(torch::upsample_nearest2d(y, {height, width}));
    for (int64_t i = 0; i < iterations_; ++i) {
      solver.solve(image(made), strengths[i].item<double>(), image(seen));
      fill_up(seen, height, width);
      seen.narrow(1, y.size(1), 1).fill_(strengths[iterations_ + i].item<float>());
      const std::lock_guard lock(mutex_);
      prior_.run(seen, made);
    }
    return image(made);
  }

  // Edge pixels below and to the right of height x width.
  static void fill_up(const torch::Tensor& filled, int64_t height, int64_t width) {
    const int64_t below = filled.size(2) - height;
    const int64_t behind = filled.size(3) - width;
    if (below > 0) filled.narrow(2, height, below).copy_(filled.narrow(2, height - 1, 1));
    if (behind > 0) filled.narrow(3, width, behind).copy_(filled.narrow(3, width - 1, 1));
  }

  nn::Model model_, strengths_;
  Placed parameters_;
  torch::Tensor strengths_parameters_;
  mutable std::mutex mutex_;
  mutable UsrnetPriorRun prior_;  // with its buffers
  int64_t iterations_;
};

}  // namespace

Kind usrnet() {
  Kind kind{"usrnet", "USRNet (Zhang et al. 2020)", read_usrnet, usrnet_graph};
  kind.traits.takes_kernel = true;
  kind.traits.condition = Condition::kKernel;
  kind.fields = {{"blocks", "residual blocks of each part", 2, 1, 16},
                 {"width1", "channels at full size", 64, 8, 512, 4},
                 {"width2", "at half", 128, 8, 512, 4},
                 {"width3", "at a quarter", 256, 8, 512, 4},
                 {"width4", "at an eighth", 512, 8, 1024, 4},
                 {"hidden", "channels of the network that sets the strengths", 64, 4, 512},
                 {"iterations", "data and prior steps", 8, 1, 16},
                 {"residual", "1: the prior makes a correction of its input, not the image", 0, 0, 1}};
  kind.trainable_scales = {1, 2, 3, 4};
  kind.all_scales = true;
  kind.training = {.noise = 25.0};
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    return std::make_unique<Usrnet>(networks::usrnet().config_of(weights), weights);
  };
  return kind;
}

}  // namespace zsr::networks
