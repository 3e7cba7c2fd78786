#include "networks/graph_network.h"

#include "core/error.h"
#include "networks/restorer.h"
#include "nn/geometry.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {

double pixel_bytes(const nn::Graph& graph, int64_t unit, int64_t scale) {
  constexpr int64_t kAbout = 256;
  const int64_t side = (kAbout + unit - 1) / unit * unit;
  return nn::cost_of(graph, scale, side, side).peak_bytes / static_cast<double>(side * side);
}

Traits traits_of(const Kind& kind, const LoadedGraph& loaded) {
  Traits traits = kind.traits;
  const nn::Graph& graph = loaded.graph;
  if (loaded.config.channels == 1) traits.channels = 1;
  if (!traits.takes_enlarged) traits.scales = graph.scales();
  traits.multiple_of = nn::side_multiple(graph);
  for (const int64_t scale : graph.scales()) {
    traits.pixel_bytes = std::max(traits.pixel_bytes, pixel_bytes(graph, traits.multiple_of, scale));
    traits.pair_bytes = std::max(traits.pair_bytes, nn::pair_bytes(graph, scale));
    const std::optional<int64_t> radius = nn::receptive_radius(graph, scale);
    if (!radius || traits.reach == Traits::kWholePhoto) {
      traits.reach = Traits::kWholePhoto;
    } else {
      // Tiles begin on whole units of what is unshuffled.
      const int64_t unit = traits.multiple_of;
      traits.reach = std::max(traits.reach, (*radius + unit - 1) / unit * unit);
    }
  }
  return traits;
}

LoadedGraph load_graph(const Kind& kind, const WeightsFile& weights) {
  LoadedGraph loaded{kind.config_of(weights), {}, {}};
  try {
    loaded.graph = kind.graph(loaded.config);
  } catch (const OptionError& error) {
    throw InputError(fmt::format("'{}' does not fit {}: {}", weights.origin, kind.title, error.what()));
  }
  const WeightsFile file = kind.renamed == nullptr ? weights : kind.renamed(weights);
  loaded.parameters = nn::take_parameters(loaded.graph, file, kind.title, kind.ignored);
  return loaded;
}

GraphNetwork::GraphNetwork(const Kind& kind, LoadedGraph loaded)
    : Network(traits_of(kind, loaded)), model_(std::move(loaded.graph)), parameters_(std::move(loaded.parameters)) {}

torch::Tensor GraphNetwork::forward(const Input& input) const {
  torch::Tensor image = input.image;
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto missing = [&](int64_t length) {
    return (traits_.multiple_of - length % traits_.multiple_of) % traits_.multiple_of;
  };
  const bool padded = missing(height) + missing(width) > 0;
  if (padded) image = torch::replication_pad2d(image, {0, missing(width), 0, missing(height)});
  // A generator may see none.
  const bool none = traits_.condition == Condition::kGenerator && !input.maps.defined();
  if (traits_.condition != Condition::kNone && !none) {
    const torch::Tensor maps = traits_.condition == Condition::kDamage
                                   ? torch::tensor(damage_maps(input.damage)).view({1, kDamageMaps, 1, 1})
                                   : input.maps;
    image = torch::cat({image, maps.to(image.device()).expand({image.size(0), -1, image.size(2), image.size(3)})}, 1);
  }
  const int64_t scale = traits_.takes_enlarged ? 1 : input.scale;
  const torch::Tensor made = model_.forward({image}, parameters_.on(image.device()), scale);
  return padded ? made.slice(2, 0, height * scale).slice(3, 0, width * scale) : made;
}

}  // namespace zsr::networks
