#include "networks/restorer.h"

#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/edsr_layers.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

constexpr int64_t kLargestScale = 4;

EdsrShape trunk_shape(const RestorerConfig& config) {
  return {.inputs = 3 + kDamageMaps, .width = config.width, .blocks = config.blocks, .scale = 1};
}

std::string tail_name(int64_t scale) {
  return fmt::format("tail.x{}", scale);
}

// EDSR's trunk and one convolution that gives all sub-pixels at once.
std::vector<ConvLayer> layers_of(const RestorerConfig& config, int64_t scale) {
  std::vector<ConvLayer> layers = edsr_layers(trunk_shape(config));
  layers.back().out_channels = 3 * scale * scale;
  return layers;
}

int64_t numbers_of(const ConvLayer& layer) {
  return layer.out_channels * (9 * layer.in_channels + 1);
}

}  // namespace

std::vector<float> damage_maps(const Damage& damage) {
  constexpr double kNoiseUnit = 50.0;
  const auto noise = static_cast<float>(damage.noise.value_or(0.0) / kNoiseUnit);
  const auto loss = static_cast<float>((100.0 - damage.jpeg_quality.value_or(100.0)) / 100.0);
  return {damage.noise ? 1.0F : 0.0F, noise, damage.jpeg_quality ? 1.0F : 0.0F, loss};
}

Restorer::Restorer(RestorerConfig config) : config_(std::move(config)) {
  const std::vector<ConvLayer> trunk = layers_of(config_, 1);
  for (size_t i = 0; i + 1 < trunk.size(); ++i) {
    const EdsrShape shape = trunk_shape(config_);
    layers_.push_back({edsr_layer_name(shape, static_cast<int64_t>(i)), trunk_count_, trunk[i].out_channels,
                       trunk[i].in_channels, trunk[i].add >= 0, false});
    trunk_count_ += numbers_of(trunk[i]);
  }
  for (const int64_t scale : config_.scales) {
    chains_.emplace_back(layers_of(config_, scale));
    const ConvLayer& tail = chains_.back().layers().back();
    layers_.push_back(
        {tail_name(scale), trunk_count_ + tails_count_, tail.out_channels, tail.in_channels, false, true});
    tails_count_ += numbers_of(tail);
  }
}

bool Restorer::has_scale(int64_t scale) const {
  return std::find(config_.scales.begin(), config_.scales.end(), scale) != config_.scales.end();
}

torch::Tensor Restorer::forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale) const {
  const auto at = std::find(config_.scales.begin(), config_.scales.end(), scale) - config_.scales.begin();
  if (at == static_cast<int64_t>(config_.scales.size())) {
    throw OptionError(fmt::format("scale = {}, this network has {}", scale, fmt::join(config_.scales, ", ")));
  }
  const ConvChain& chain = chains_[static_cast<size_t>(at)];
  const Layer& tail = layers_[layers_.size() - config_.scales.size() + static_cast<size_t>(at)];
  const torch::Tensor own =
      torch::cat({parameters.narrow(0, 0, trunk_count_),
                  parameters.narrow(0, tail.offset, chain.parameter_count() - trunk_count_)});
  const torch::Tensor mean = MeanShift().mean;
  const torch::Tensor centred = torch::cat({input.slice(1, 0, 3) - mean, input.slice(1, 3)}, 1).contiguous();
  const torch::Tensor base = input.slice(1, 0, 3).repeat_interleave(scale * scale, 1);
  const torch::Tensor made = chain.forward(centred, own) + base;
  return scale == 1 ? made : torch::pixel_shuffle(made, scale);
}

torch::Tensor Restorer::weight(const torch::Tensor& parameters, const Layer& layer) {
  return parameters.narrow(0, layer.offset, layer.out * layer.in * 9).view({layer.out, layer.in, 3, 3});
}

torch::Tensor Restorer::bias(const torch::Tensor& parameters, const Layer& layer) {
  return parameters.narrow(0, layer.offset + layer.out * layer.in * 9, layer.out);
}

std::optional<RestorerConfig> restorer_config_of(const WeightsFile& weights) {
  const torch::Tensor* const head = weights.find("head.0.weight");
  if (head == nullptr || head->dim() != 4 || head->size(1) != 3 + kDamageMaps) return std::nullopt;
  RestorerConfig config{head->size(0), 0, {}};
  while (weights.find(fmt::format("body.{}.body.0.weight", config.blocks)) != nullptr) ++config.blocks;
  for (int64_t scale = 1; scale <= kLargestScale; ++scale) {
    if (weights.find(tail_name(scale) + ".weight") != nullptr) config.scales.push_back(scale);
  }
  return config.scales.empty() || config.blocks == 0 ? std::nullopt : std::optional(config);
}

namespace {

class RestorerNetwork : public Network {
 public:
  explicit RestorerNetwork(const WeightsFile& weights)
      : Network({}), restorer_(*restorer_config_of(weights)), parameters_(torch::zeros({restorer_.parameter_count()})) {
    WeightsReader reader(weights, "the restoration network");
    for (const Restorer::Layer& layer : restorer_.layers()) {
      Restorer::weight(parameters_, layer).copy_(reader.take(layer.name + ".weight", {layer.out, layer.in, 3, 3}));
      Restorer::bias(parameters_, layer).copy_(reader.take(layer.name + ".bias", {layer.out}) / MeanShift().range);
    }
    reader.finish();
    traits_.scales = restorer_.config().scales;
    traits_.reach = restorer_.receptive_radius();
    traits_.takes_damage = true;
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor maps = torch::tensor(damage_maps(input.damage))
                                   .view({1, kDamageMaps, 1, 1})
                                   .expand({1, -1, input.image.size(2), input.image.size(3)});
    return restorer_.forward(torch::cat({input.image, maps}, 1), parameters_, input.scale);
  }

 private:
  Restorer restorer_;
  torch::Tensor parameters_;
};

}  // namespace

Kind restorer() {
  return {"restorer", "restoration network (EDSR's trunk, conditioned on noise and JPEG quality)",
          [](const WeightsFile& weights) { return restorer_config_of(weights).has_value(); },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> {
            return std::make_unique<RestorerNetwork>(weights);
          }};
}

}  // namespace zsr::networks
