#include "networks/all_kinds.h"
#include "networks/edsr_trunk.h"
#include "networks/graph_network.h"
#include "networks/mean_shift.h"
#include "networks/meta_upscale.h"
#include "networks/rdn_trunk.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// From the photo around its mean to features.
using MetaTrunk = Value (*)(Graph&, Value, const Config&);

Value meta_edsr_trunk(Graph& g, Value x, const Config& config) {
  return edsr_trunk(g, x,
                    {.width = config.whole("width"),
                     .blocks = config.whole("depth"),
                     .residual_scale = config.number("residual_scale"),
                     .channels = config.channels});
}

Value meta_trunk_of(Graph& g, const Config& config, MetaTrunk trunk) {
  return trunk(g, into_colors(g, g.input(config.channels), config), config);
}

// Meta-SR (Hu, Mu, Zhang, Wang, Sun and Tan, CVPR 2019). Whole factors are outputs of the graph, from which it is
// trained; the paper's training takes all tenths from 1.1 to 4.
Graph meta_graph(const Config& config, MetaTrunk trunk) {
  Graph g;
  const Value features = meta_trunk_of(g, config, trunk);
  const auto parameters = meta_parameters(g, config.whole("width"), config.whole("hidden"), config.channels);
  for (const int64_t scale : config.scales) {
    const Value made = meta_upscale(g, features, parameters, config.channels, scale);
    g.output(out_of_colors(g, made, config), scale);
  }
  return g;
}

Graph meta_rdn_graph(const Config& config) {
  return meta_graph(config, rdn_trunk);
}
Graph meta_edsr_graph(const Config& config) {
  return meta_graph(config, meta_edsr_trunk);
}

// The trunk's features, enlarged to the grid that is asked for.
class MetaNetwork : public Network {
 public:
  MetaNetwork(const Kind& kind, MetaTrunk trunk, LoadedGraph loaded)
      : Network(traits_of(kind, loaded)),
        config_(loaded.config),
        trunk_(features_of(config_, trunk)),
        parameters_(loaded.parameters) {
    traits_.scales.clear();
    for (const nn::Parameter& own : loaded.graph.parameters()) {
      if (own.name.starts_with("P2W.")) enlarging_.push_back(own);
    }
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor all = parameters_.on(input.image.device());
    const torch::Tensor features = trunk_.forward({input.image}, all.narrow(0, 0, trunk_.graph().parameter_count()), 1);
    std::vector<torch::Tensor> own;
    for (const nn::Parameter& one : enlarging_) {
      own.push_back(all.narrow(0, one.offset, one.count()).view(one.shape));
    }
    OutputGrid grid{static_cast<double>(input.scale), input.image.size(2) * input.scale,
                    input.image.size(3) * input.scale, 0.0, 0.0};
    if (input.grid) grid = *input.grid;
    const torch::Tensor mean = torch::tensor(mean_of(config_, 1.0F)).to(all.options()).view({1, -1, 1, 1});
    return meta_upscaled(features, own, grid) / config_.number("color_range") + mean;
  }

 private:
  // Its parameters stand first among those of the whole graph.
  static Graph features_of(const Config& config, MetaTrunk trunk) {
    Graph g;
    g.output(meta_trunk_of(g, config, trunk), 1);
    return g;
  }

  Config config_;
  nn::Model trunk_;
  Placed parameters_;
  std::vector<nn::Parameter> enlarging_;
};

// What the small network's weights say; false where there are none.
bool read_meta(const WeightsFile& weights, Config& config) {
  const FileShapes shapes(weights);
  if (!shapes.has("P2W.meta_block.0.weight") || !shapes.has("P2W.meta_block.2.weight")) return false;
  config.scales = {2, 3, 4};
  config.set("hidden", static_cast<double>(shapes.size("P2W.meta_block.0.weight", 0)));
  read_colors(weights, config);
  return true;
}

std::optional<Config> read_meta_rdn(const WeightsFile& weights) {
  Config config;
  if (!read_meta(weights, config) || !read_rdn_trunk(FileShapes(weights), config)) return std::nullopt;
  return config;
}

std::optional<Config> read_meta_edsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (!read_meta(weights, config) || !shapes.has("head.0.weight") || !shapes.has("body.0.body.0.weight")) {
    return std::nullopt;
  }
  config.channels = shapes.photo_channels("head.0");
  config.set("width", static_cast<double>(shapes.size("head.0.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("body.", ".body.0.weight")));
  config.set("residual_scale", shapes.remark("residual_scale", 1.0));
  return config;
}

Kind meta_kind(Kind kind) {
  kind.traits.any_scale = true;
  kind.fields.push_back({"hidden", "numbers inside the network that makes the weights", 256, 8, 1024});
  kind.fields.push_back({"color_range", "colours go from 0 to this", 255, 1, 255});
  kind.trainable_scales = {2, 3, 4};
  kind.all_scales = true;
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace

Kind metardn() {
  Kind kind{"metardn", "Meta-SR on RDN (Hu et al. 2019)", read_meta_rdn, meta_rdn_graph};
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"growth", "channels that a layer adds", 64, 4, 256},
                 {"depth", "residual dense blocks", 16, 1, 64},
                 {"layers", "layers of a block", 8, 1, 32}};
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    const Kind own = networks::metardn();
    return std::make_unique<MetaNetwork>(own, rdn_trunk, load_graph(own, weights));
  };
  return meta_kind(std::move(kind));
}

Kind metaedsr() {
  Kind kind{"metaedsr", "Meta-SR on EDSR (Hu et al. 2019)", read_meta_edsr, meta_edsr_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "residual blocks", 16, 2, 64},
                 {"residual_scale", "what the second convolution of a block is multiplied by", 1.0, 0.01, 1.0, 0}};
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    const Kind own = networks::metaedsr();
    return std::make_unique<MetaNetwork>(own, meta_edsr_trunk, load_graph(own, weights));
  };
  return meta_kind(std::move(kind));
}

}  // namespace zsr::networks
