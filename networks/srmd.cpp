#include "networks/all_kinds.h"
#include "networks/edsr_trunk.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// "model.0" in PyTorch files, "Conv_0" in ncnn ones; every second number is an activation.
std::string srmd_layer_name(const std::string& naming, int64_t index) {
  return fmt::format("{}{}", naming == "ncnn" ? "Conv_" : "model.", 2 * index);
}

constexpr double kMostNoise = 75.0;  // that SRMD is trained for

bool is_map_count(int64_t channels) {
  return channels == 3 + kSrmdComponents || channels == 4 + kSrmdComponents;
}

// SRMD (Zhang, Zuo and Zhang, CVPR 2018): convolutions with ReLUs between them (batch normalisation merged into the
// weights), the last to 3 scale^2 channels. Beside the photo it sees the blur kernel's code and, unless it is the
// noise-free variant (SRMDNF), the noise level, each as a map of its own.
nn::Graph chain(const Config& config) {
  const int64_t depth = config.whole("depth");
  const int64_t scale = config.scales[0];
  nn::Graph g;
  nn::Value x = g.input(3 + kSrmdComponents + config.whole("noise_map"));
  for (int64_t i = 0; i + 1 < depth; ++i) {
    x = g.relu(g.conv(srmd_layer_name(config.naming, i), x, config.whole("width")));
  }
  g.output(g.shuffle(g.conv(srmd_layer_name(config.naming, depth - 1), x, 3 * scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_chain(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("Conv_0.weight")) config.naming = "ncnn";
  const int64_t depth = shapes.count(config.naming == "ncnn" ? "Conv_" : "model.", ".weight", 0, 2);
  const std::string first = srmd_layer_name(config.naming, 0) + ".weight";
  if (depth < 2 || !is_map_count(shapes.size(first, 1))) return std::nullopt;
  const std::string last = srmd_layer_name(config.naming, depth - 1);
  if (shapes.size(last + ".weight", 1) != shapes.size(first, 0)) return std::nullopt;
  config.scales = {shapes.shuffle_factor(last, 3)};
  config.set("width", static_cast<double>(shapes.size(first, 0)));
  config.set("depth", static_cast<double>(depth));
  config.set("noise_map", static_cast<double>(shapes.size(first, 1) - 3 - kSrmdComponents));
  return config;
}

// The same maps with EDSR's trunk, whose shortcuts make it learn faster and which can begin as a trained EDSR.
nn::Graph on_edsr(const Config& config) {
  nn::Graph g;
  g.bias_unit(255.0);
  const EdsrTrunk trunk{.width = config.whole("width"),
                        .blocks = config.whole("depth"),
                        .residual_scale = config.number("residual_scale")};
  const nn::Value input = g.input(3 + kSrmdComponents + config.whole("noise_map"));
  const nn::Value x = edsr_trunk(g, subtract_mean(g, input), trunk);
  g.output(add_mean(g, edsr_tail(g, x, trunk, config.scales[0])), config.scales[0]);
  return g;
}

std::optional<Config> read_on_edsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const int64_t inputs = shapes.size("head.0.weight", 1);
  if (!is_map_count(inputs) || !shapes.has("tail.0.0.weight") || !shapes.has("tail.1.weight")) return std::nullopt;
  Config config;
  const int64_t width = shapes.size("head.0.weight", 0);
  int64_t scale = shapes.shuffle_factor("tail.0.0", width);
  if (shapes.has("tail.0.2.weight")) scale *= shapes.shuffle_factor("tail.0.2", width);
  config.scales = {scale};
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(shapes.count("body.", ".body.0.weight")));
  config.set("noise_map", static_cast<double>(inputs - 3 - kSrmdComponents));
  config.set("residual_scale", shapes.remark("residual_scale", 1.0));
  return config;
}

}  // namespace

Kind srmd() {
  Kind kind{"srmd", "SRMD (Zhang et al. 2018)", read_chain, chain};
  kind.traits.condition = Condition::kSrmd;
  kind.fields = {{"width", "channels", 128, 16, 256, 16},
                 {"depth", "convolutions", 12, 2, 64},
                 {"noise_map", "1: it is given the noise level", 1, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  kind.training = {.noise = kMostNoise, .muon_rate = 0.003};  // without shortcuts it cannot take more
  kind.ignored = {"pca"};
  return kind;
}

Kind srmd_edsr() {
  Kind kind{"srmd-edsr", "SRMD's maps (Zhang et al. 2018) on EDSR's trunk", read_on_edsr, on_edsr};
  kind.traits.condition = Condition::kSrmd;
  kind.fields = {{"width", "channels", 48, 16, 256, 16},
                 {"depth", "residual blocks", 8, 2, 64},
                 {"noise_map", "1: it is given the noise level", 1, 0, 1},
                 {"residual_scale", "what the second convolution of a block is multiplied by", 1.0, 0.01, 1.0, 0}};
  kind.trainable_scales = {2, 3, 4};
  kind.training = {.noise = kMostNoise};
  kind.ignored = {"pca"};
  return kind;
}

}  // namespace zsr::networks
