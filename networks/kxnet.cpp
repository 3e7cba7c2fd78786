#include "networks/kxnet.h"

#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/kernel_steps.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>
#include <cmath>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Parameter;
using nn::Value;
using ImageShape = nn::Shape;
using ImageShapes = std::vector<nn::Shape>;
using TensorList = std::vector<torch::Tensor>;

constexpr double kResidual = 0.1;

// exp(-d' C^-1 d / 2) with standard deviations along two axes turned by `angle`, normalised; by rows.
std::vector<float> gaussian(int64_t side, double sigma_x, double sigma_y, double angle) {
  std::vector<float> values;
  double sum = 0.0;
  for (int64_t row = 0; row < side; ++row) {
    for (int64_t column = 0; column < side; ++column) {
      const auto x = static_cast<double>(column - side / 2);
      const auto y = static_cast<double>(row - side / 2);
      const double along = (x * std::cos(angle) + y * std::sin(angle)) / sigma_x;
      const double across = (y * std::cos(angle) - x * std::sin(angle)) / sigma_y;
      const double value = std::exp(-0.5 * (along * along + across * across));
      sum += value;
      values.push_back(static_cast<float>(value));
    }
  }
  for (float& value : values) value = static_cast<float>(value / sum);
  return values;
}

// What the authors begin the auxiliary kernels with (generate_auxiker.py): 24 Gaussians of three by two widths and four
// directions; more repeat them.
std::vector<float> first_kernels(int64_t count, int64_t side) {
  std::vector<float> all;
  for (int64_t i = 0; i < count; ++i) {
    constexpr std::array<double, 3> kNarrow{1.0, 2.5, 4.0};
    constexpr std::array<double, 2> kWide{3.5, 5.0};
    const auto one = gaussian(side, kNarrow[static_cast<size_t>(i / 8 % 3)], kWide[static_cast<size_t>(i / 4 % 2)],
                              static_cast<double>(i % 4) * M_PI / 4.0);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

std::vector<float> first_filters(int64_t count) {
  std::vector<float> all;
  for (int64_t i = 0; i < 3 * count; ++i) {
    for (const float value : {0.0F, 1.0F, 0.0F, 1.0F, -4.0F, 1.0F, 0.0F, 1.0F, 0.0F}) all.push_back(value);
  }
  return all;
}

int64_t kernel_side(const Config& config) {
  const int64_t chosen = config.whole("kernel");
  if (chosen > 0 && chosen % 2 == 0) throw OptionError(fmt::format("kernel = {}, must be odd", chosen));
  constexpr std::array<int64_t, 5> kPublished{0, 0, 11, 15, 21};
  return chosen > 0 ? chosen : kPublished.at(static_cast<size_t>(config.scales[0]));
}

// Builds the graph: photo -> kernel and image, stage by stage.
class Unfolding {
 public:
  Unfolding(Graph& graph, const Config& config)
      : g_(graph),
        stages_(config.whole("depth")),
        image_maps_(config.whole("width")),
        kernel_maps_(config.whole("kernel_maps")),
        s_(config.scales[0]),
        side_(kernel_side(config)) {
    photo_ = g_.input(3);
    gamma_ = g_.parameter("gamma_stage", {stages_, 1}, Parameter::Role::kWeight);
    // The authors' files have steps for the image too, which their network does not use.
    eta_ = g_.parameter("eta_stage", {stages_, 1}, Parameter::Role::kWeight);
    const int32_t filters = g_.parameter("AV_X_ker", {image_maps_, 3, 3, 3}, Parameter::Role::kWeight);
    const int32_t kernels = g_.parameter("kernel_map", {kernel_maps_, side_, side_}, Parameter::Role::kWeight);
    const std::vector<float> ones(static_cast<size_t>(stages_), 1.0F);
    g_.begin("gamma_stage", ones);
    g_.begin("eta_stage", ones);
    g_.begin("AV_X_ker", first_filters(image_maps_));
    g_.begin("kernel_map", first_kernels(kernel_maps_, side_));
    image_ = g_.resize(photo_, nn::Interpolation::kBicubic, s_);
    image_aux_ = g_.custom(
        {"filters",
         [maps = image_maps_](const ImageShapes& in) {
           return ImageShape{maps, in[0].height, in[0].width};
         },
         [](const TensorList& in, const TensorList& own) { return torch::conv2d(in[0], own[0], {}, 1, 1); }, 1},
        {photo_}, {filters});
    const auto on_kernel = [side = side_](int64_t channels) {
      return [=](const ImageShapes& /*in*/) { return ImageShape{channels, side, side}; };
    };
    kernel_aux_ = g_.custom({"first kernels", on_kernel(kernel_maps_),
                             [](const TensorList& in, const TensorList& own) {
                               return own[0].unsqueeze(0).expand({in[0].size(0), -1, -1, -1});
                             }},
                            {photo_}, {kernels});
    kernel_ = g_.custom(
        {"Gaussian", on_kernel(1),
         [side = side_, values = gaussian(side_, 1.0, 1.0, 0.0)](const TensorList& in, const TensorList& /*none*/) {
           const torch::Tensor kernel = torch::tensor(values).to(in[0].options());
           return kernel.view({1, 1, side, side}).expand({in[0].size(0), -1, -1, -1});
         }},
        {photo_});
  }

  void stage(int64_t i) {
    kernel_stage(i);
    image_stage(i);
  }
  void kernel_stage(int64_t i) {
    const Value step = g_.custom({"kernel step",
                                  [side = side_](const ImageShapes& /*in*/) {
                                    return ImageShape{3, side, side};
                                  },
                                  [i, side = side_, s = s_](const TensorList& in, const TensorList& own) {
                                    const torch::Tensor error = reblur_error(in[0], in[1], in[2], s);
                                    const torch::Tensor gradient = kernel_gradient(in[0], error, side, s);
                                    return (in[2] - own[0][i] / 10.0 * gradient).expand({-1, 3, -1, -1});
                                  },
                                  -1},
                                 {image_, photo_, kernel_}, {gamma_});
    const Value made =
        proximal(fmt::format("K_stage.{}.K_ProNet.resk", i), g_.concat({step, kernel_aux_}), 3 + kernel_maps_);
    kernel_aux_ = g_.slice(made, 3, 3 + kernel_maps_);
    kernel_ = g_.custom({"normalise kernel",
                         [side = side_](const ImageShapes& /*in*/) {
                           return ImageShape{1, side, side};
                         },
                         [](const TensorList& in, const TensorList& /*none*/) {
                           const torch::Tensor kernel = torch::relu(in[0].narrow(1, 0, 3).mean(1, true) + 1e-5);
                           return kernel / kernel.sum({2, 3}, true);
                         }},
                        {made});
  }

  Value image() const { return image_; }
  Value kernel() const { return kernel_; }

 private:
  void image_stage(int64_t i) {
    const Value gradient = g_.custom({"image step", [](const ImageShapes& in) { return in[0]; },
                                      [s = s_](const TensorList& in, const TensorList& /*unused*/) {
                                        return spread_error(reblur_error(in[0], in[1], in[2], s), in[2], s);
                                      },
                                      -1},
                                     {image_, photo_, kernel_}, {eta_});
    const int64_t colours = 3 * s_ * s_;
    const int64_t width = 2 * colours + 3 + image_maps_;
    const Value seen = g_.concat({g_.unshuffle(image_, s_), g_.unshuffle(gradient, s_), photo_, image_aux_});
    const Value made = proximal(fmt::format("X_stage.{}.X_ProNet.resx", i), seen, width);
    image_ = g_.shuffle(g_.slice(made, 0, colours), s_);
    image_aux_ = g_.slice(made, 2 * colours + 3, width);
  }

  // Four residual blocks and a convolution with its input beside it; nothing leaves a block below 0.
  Value proximal(const std::string& name, Value input, int64_t width) {
    Value x = input;
    for (int block = 1; block <= 4; ++block) {
      const Value y = g_.relu(g_.conv(fmt::format("{}{}.0", name, block), x, width));
      x = g_.relu(x + g_.conv(fmt::format("{}{}.2", name, block), y, width) * kResidual);
    }
    return g_.relu(input + g_.conv(name + "5.0", x, width) * kResidual);
  }

  Graph& g_;
  int64_t stages_, image_maps_, kernel_maps_, s_, side_;
  int32_t gamma_ = -1, eta_ = -1;
  Value photo_{}, image_{}, image_aux_{}, kernel_{}, kernel_aux_{};
};

std::optional<Config> read_kxnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const int64_t width = shapes.size("X_stage.0.X_ProNet.resx1.0.weight", 0);
  Config config;
  const int64_t maps = shapes.size("AV_X_ker", 0);
  for (const int64_t scale : {2, 3, 4}) {
    if (6 * scale * scale + 3 + maps == width) config.scales = {scale};
  }
  if (maps == 0 || config.scales.empty()) return std::nullopt;
  config.set("depth", static_cast<double>(shapes.size("gamma_stage", 0)));
  config.set("width", static_cast<double>(maps));
  config.set("kernel_maps", static_cast<double>(shapes.size("kernel_map", 0)));
  config.set("kernel", static_cast<double>(shapes.size("kernel_map", 1)));
  return config;
}

Graph kxnet_graph(const Config& config) {
  Graph g;
  Unfolding unfolding(g, config);
  for (int64_t i = 0; i < config.whole("depth"); ++i) unfolding.stage(i);
  g.output(unfolding.image(), config.scales[0]);
  return g;
}

}  // namespace

Graph kxnet_kernel_graph(const Config& config) {
  Graph g;
  Unfolding unfolding(g, config);
  const int64_t stages = config.whole("depth");
  for (int64_t i = 0; i + 1 < stages; ++i) unfolding.stage(i);
  unfolding.kernel_stage(stages - 1);
  g.output(unfolding.kernel(), 1);
  return g;
}

Kind kxnet() {
  Kind kind{"kxnet", "KXNet (Fu et al. 2022)", read_kxnet, kxnet_graph};
  kind.fields = {{"width", "maps beside the image", 32, 1, 256},
                 {"depth", "stages, each a step for the kernel and one for the image", 19, 1, 40},
                 {"kernel_maps", "maps beside the kernel", 24, 1, 256},
                 {"kernel", "pixels a side of the kernel, odd; 0: 11, 15 or 21 as published for x2, x3, x4", 0, 0, 41}};
  kind.trainable_scales = {2, 3, 4};
  kind.training = {.recipe = "div2krk"};  // random anisotropic Gaussians, as the authors' second setting
  kind.ignored = {"kernel_map0"};
  kind.traits.least_side = 12;  // of which a mirrored margin is made
  return kind;
}

}  // namespace zsr::networks
