#include "srmd/network.h"

#include "core/error.h"
#include "networks/graph_network.h"
#include "networks/registry.h"
#include "nn/geometry.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::srmd {
namespace {

const networks::Kind* kind_of(const WeightsFile& weights) {
  const networks::Kind* const kind = networks::recognise(weights);
  return kind != nullptr && kind->traits.condition == networks::Condition::kSrmd ? kind : nullptr;
}

const networks::Kind& required_kind(const WeightsFile& weights) {
  const networks::Kind* const kind = kind_of(weights);
  if (kind == nullptr) {
    throw InputError(
        fmt::format("'{}' does not hold an SRMD network (convolutions from 18 or 19 maps on)", weights.origin));
  }
  return *kind;
}

networks::Config config_of(const networks::Kind& kind, const WeightsFile& weights) {
  networks::Config config = kind.config_of(weights);
  if (config.scales[0] < 1) throw InputError(fmt::format("'{}': its outputs are pixels of no scale", weights.origin));
  return config;
}

}  // namespace

bool is_srmd(const WeightsFile& weights) {
  return kind_of(weights) != nullptr;
}

Network::Network(const WeightsFile& weights) : Network(required_kind(weights), weights) {}

Network::Network(const networks::Kind& kind, const WeightsFile& weights)
    : Network(kind, config_of(kind, weights), weights) {}

Network::Network(const networks::Kind& kind, const networks::Config& config, const WeightsFile& weights)
    : origin_(weights.origin),
      on_edsr_(kind.name == "srmd-edsr"),
      knows_noise_(config.whole("noise_map") != 0),
      scale_(config.scales[0]),
      model_(kind.graph(config)),
      parameters_(nn::take_parameters(model_.graph(), weights, kind.title, kind.ignored)) {
  reach_ = nn::receptive_radius(model_.graph()).value();
  pixel_bytes_ = networks::pixel_bytes(model_.graph(), 1, 0);
}

torch::Tensor Network::forward(const torch::Tensor& maps) const {
  const torch::NoGradGuard no_grad;
  return model_.forward({maps}, parameters_.on(maps.device()));
}

}  // namespace zsr::srmd
