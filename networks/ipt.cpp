#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/graph_network.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Parameter;
using nn::Shape;
using nn::Value;

constexpr int64_t kIptToken = 3;  // pixels along each side of a token

WeightsFile renamed_ipt(WeightsFile weights) {
  return with_linear_layers(std::move(weights), {"linear_encoding.weight", "mlp_head.0.weight", "mlp_head.3.weight",
                                                 ".linear1.weight", ".linear2.weight"});
}

// How a photo is cut into the patches that the network was trained on: as in the authors' test, every quarter of a
// patch one begins, and a quarter of each is left out at the sides where others follow.
struct IptPatches {
  int64_t side = 48;

  std::vector<int64_t> begins(int64_t length) const {
    std::vector<int64_t> all;
    for (int64_t begin = 0; begin + side < length; begin += side / 4) all.push_back(begin);
    all.push_back(std::max<int64_t>(0, length - side));
    return all;
  }
  int64_t count(int64_t height, int64_t width) const {
    return static_cast<int64_t>(begins(std::max(side, height)).size() * begins(std::max(side, width)).size());
  }
  void each(int64_t height, int64_t width, const std::function<void(int64_t top, int64_t left)>& use) const {
    for (const int64_t top : begins(height)) {
      for (const int64_t left : begins(width)) use(top, left);
    }
  }
  // [N, C, H, W] to [patches N, C, side, side]; smaller images are continued by their edge pixels.
  torch::Tensor cut(const torch::Tensor& image) const {
    const auto missing = [&](int64_t length) { return std::max<int64_t>(0, side - length); };
    const torch::Tensor whole = torch::replication_pad2d(image, {0, missing(image.size(3)), 0, missing(image.size(2))});
    std::vector<torch::Tensor> all;
    each(whole.size(2), whole.size(3),
         [&](int64_t top, int64_t left) { all.push_back(whole.narrow(2, top, side).narrow(3, left, side)); });
    return torch::cat(all, 0);
  }
  // What was made of those patches of images of `height` x `width` pixels, `scale` times larger, where patches lie over
  // each other their mean.
  torch::Tensor joined(const torch::Tensor& patches, int64_t height, int64_t width, int64_t scale) const {
    const int64_t rows = std::max(side, height);
    const int64_t columns = std::max(side, width);
    const int64_t images = patches.size(0) / count(height, width);
    torch::Tensor sum = torch::zeros({images, patches.size(1), rows * scale, columns * scale}, patches.options());
    torch::Tensor times = torch::zeros({1, 1, rows * scale, columns * scale}, patches.options());
    int64_t index = 0;
    each(rows, columns, [&](int64_t top, int64_t left) {
      const torch::Tensor patch = patches.narrow(0, index++ * images, images);
      const auto inside = [&](int64_t begin, int64_t length) {
        const int64_t before = begin == 0 ? 0 : side / 4;
        const int64_t after = begin + side == length ? 0 : side / 4;
        return std::pair(before * scale, (side - before - after) * scale);
      };
      const auto [down, tall] = inside(top, rows);
      const auto [right, wide] = inside(left, columns);
      const auto own = [&, d = down, t = tall, r = right, w = wide](torch::Tensor& of) {
        return of.narrow(2, top * scale + d, t).narrow(3, left * scale + r, w);
      };
      own(sum).add_(patch.narrow(2, down, tall).narrow(3, right, wide));
      own(times).add_(1.0);
    });
    return (sum / times).slice(2, 0, height * scale).slice(3, 0, width * scale);
  }
};

// Attention of `heads` parts, as PyTorch's MultiheadAttention without biases.
torch::Tensor ipt_attend(const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own, int64_t heads) {
  const int64_t count = in[0].size(0);
  const int64_t width = in[0].size(1);
  const auto parts = own[0].chunk(3, 0);
  // [N, heads, tokens, depth]
  const auto projected = [&](size_t which) {
    const torch::Tensor made = torch::matmul(in[which].flatten(2).transpose(1, 2), parts[which].t());
    return made.view({count, -1, heads, width / heads}).transpose(1, 2);
  };
  const double factor = 1.0 / std::sqrt(static_cast<double>(width / heads));
  const torch::Tensor scores = torch::matmul(projected(0) * factor, projected(1).transpose(-2, -1));
  const torch::Tensor seen = torch::matmul(torch::softmax(scores, -1), projected(2)).transpose(1, 2).flatten(2);
  return torch::matmul(seen, own[1].t()).transpose(1, 2).reshape(in[0].sizes());
}

class IptLayers {
 public:
  IptLayers(Graph& graph, const Config& config)
      : g_(graph),
        config_(config),
        width_(config.whole("width")),
        inner_(kIptToken * kIptToken * width_),
        heads_(config.whole("heads")),
        tokens_(config.whole("side") / kIptToken) {
    if (heads_ < 1 || inner_ % heads_ != 0) {
      throw OptionError(fmt::format("heads = {}, must divide the {} numbers of a token", heads_, inner_));
    }
  }

  // From patches around their mean to patches `scale` times larger.
  Value network(Value x) {
    x = g_.conv("head.0.0", x, width_);
    for (const int i : {1, 2}) {
      const std::string name = fmt::format("head.0.{}.body.", i);
      constexpr Graph::ConvOptions kWide{.side = 5};
      x = g_.conv(name + "2", g_.relu(g_.conv(name + "0", x, width_, kWide)), width_, kWide) + x;
    }
    const Value tokens = regrouped(x, true);
    Value t = linear("body.linear_encoding", tokens, inner_) + tokens;
    t = placed("body.position_encoding.pe.weight", {tokens_ * tokens_, inner_}, t);
    const int64_t layers = config_.whole("depth");
    for (int64_t i = 0; i < layers; ++i) t = encoder(fmt::format("body.encoder.layers.{}.", i), t);
    query_ = g_.parameter("body.query_embed.weight", {1, tokens_ * tokens_ * inner_}, Parameter::Role::kNormBias);
    const Value memory = t;
    for (int64_t i = 0; i < layers; ++i) t = decoder(fmt::format("body.decoder.layers.{}.", i), t, memory);
    const Value wide = g_.relu(linear("body.mlp_head.0", t, config_.whole("ratio") * inner_));
    t = linear("body.mlp_head.3", wide, inner_) + t;
    x = shuffled_up(g_, regrouped(t, false) + x, "tail.0.0.", config_.scales[0]);
    return g_.conv("tail.0.1", x, config_.channels);
  }

 private:
  Value linear(const std::string& name, Value x, int64_t out) { return g_.conv(name, x, out, {.side = 1}); }
  Value normal(const std::string& name, Value x) { return g_.normalise(name, x, nn::Norm::kLayer); }
  // The pixels of a token as channels, or back. No operation of the graph, which would want photos of whole tokens.
  Value regrouped(Value x, bool into_tokens) {
    return g_.custom(
        {"tokens",
         [=](const std::vector<Shape>& in) {
           constexpr int64_t kArea = kIptToken * kIptToken;
           return into_tokens ? Shape{in[0].channels * kArea, in[0].height / kIptToken, in[0].width / kIptToken}
                              : Shape{in[0].channels / kArea, in[0].height * kIptToken, in[0].width * kIptToken};
         },
         [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
           return into_tokens ? torch::pixel_unshuffle(in[0], kIptToken) : torch::pixel_shuffle(in[0], kIptToken);
         },
         -1},
        {x});
  }
  // `x` and a learned number for each token and channel.
  Value placed(const std::string& name, const std::vector<int64_t>& shape, Value x) {
    return placed(g_.parameter(name, shape, Parameter::Role::kNormBias), x);
  }
  Value placed(int32_t parameter, Value x) {
    return g_.custom({"places of tokens", [](const std::vector<Shape>& in) { return in[0]; },
                      [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                        const torch::Tensor& image = in[0];
                        const torch::Tensor rows = own[0].reshape({image.size(2), image.size(3), image.size(1)});
                        return image + rows.permute({2, 0, 1});
                      },
                      -1},
                     {x}, {parameter});
  }
  Value attention(const std::string& name, Value query, Value key, Value value) {
    const std::vector<int32_t> own{
        g_.parameter(name + "in_proj_weight", {3 * inner_, inner_}, Parameter::Role::kWeight),
        g_.parameter(name + "out_proj.weight", {inner_, inner_}, Parameter::Role::kWeight)};
    const int64_t heads = heads_;
    return g_.custom({"attention between tokens", [](const std::vector<Shape>& in) { return in[0]; },
                      [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& weights) {
                        return ipt_attend(in, weights, heads);
                      },
                      -1},
                     {query, key, value}, own);
  }
  Value fed(const std::string& name, Value seen, Value x) {
    const Value wide = g_.relu(linear(name + "linear1", seen, config_.whole("ratio") * inner_));
    return linear(name + "linear2", wide, inner_) + x;
  }
  Value encoder(const std::string& name, Value x) {
    const Value own = normal(name + "norm1", x);
    x = attention(name + "self_attn.", own, own, own) + x;
    return fed(name, normal(name + "norm2", x), x);
  }
  // Places are added to queries and keys, not to values; the encoder's result is not normalised.
  Value decoder(const std::string& name, Value x, Value memory) {
    const Value own = normal(name + "norm1", x);
    const Value asked = placed(query_, own);
    x = attention(name + "self_attn.", asked, asked, own) + x;
    x = attention(name + "multihead_attn.", placed(query_, normal(name + "norm2", x)), memory, memory) + x;
    return fed(name, normal(name + "norm3", x), x);
  }

  Graph& g_;
  const Config& config_;
  int64_t width_;
  int64_t inner_;
  int64_t heads_;
  int64_t tokens_;
  int32_t query_ = 0;
};

// IPT (Chen et al., CVPR 2021), one task, as the published files of each scale hold it. Of whole photos, for training.
Graph ipt_graph(const Config& config) {
  const IptPatches patches{config.whole("side")};
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  const Value cut = g.custom(
      {"patches of a photo",
       // For what it costs: as if the patches stood below each other.
       [=](const std::vector<Shape>& in) {
         return Shape{in[0].channels, patches.side * patches.count(in[0].height, in[0].width), patches.side};
       },
       [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) { return patches.cut(in[0]); }, -1},
      {into_colors(g, image, config)});
  const Value made = IptLayers(g, config).network(cut);
  const Value joined = g.custom({"a photo of patches",
                                 [=](const std::vector<Shape>& in) {
                                   return Shape{in[0].channels, in[1].height * scale, in[1].width * scale};
                                 },
                                 [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                                   return patches.joined(in[0], in[1].size(2), in[1].size(3), scale);
                                 },
                                 -1},
                                {made, image});
  g.output(out_of_colors(g, joined, config), scale);
  return g;
}

// Of patches of one photo, a few at a time: all at once would take too much memory.
class IptNetwork : public Network {
 public:
  IptNetwork(const Kind& kind, const LoadedGraph& loaded)
      : Network(traits_of(kind, loaded)),
        patches_{loaded.config.whole("side")},
        model_(one_patch(loaded.config)),
        parameters_(loaded.parameters) {}

  torch::Tensor forward(const Input& input) const override {
    constexpr int64_t kAtOnce = 4;
    const torch::Tensor all = patches_.cut(input.image);
    std::vector<torch::Tensor> made;
    for (const torch::Tensor& few : all.split(kAtOnce)) {
      made.push_back(model_.forward({few.contiguous()}, parameters_.on(few.device()), input.scale));
    }
    return patches_.joined(torch::cat(made, 0), input.image.size(2), input.image.size(3), input.scale);
  }

 private:
  static Graph one_patch(const Config& config) {
    Graph g;
    const Value patch = into_colors(g, g.input(config.channels), config);
    g.output(out_of_colors(g, IptLayers(g, config).network(patch), config), config.scales[0]);
    return g;
  }

  IptPatches patches_;
  nn::Model model_;
  Placed parameters_;
};

std::optional<Config> read_ipt(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string places = "body.position_encoding.pe.weight";
  if (!shapes.has(places) || !shapes.has("head.0.0.weight") || !shapes.has("body.query_embed.weight")) {
    return std::nullopt;
  }
  const int64_t width = std::max<int64_t>(1, shapes.size("head.0.0.weight", 0));
  const auto along = std::llround(std::sqrt(static_cast<double>(shapes.size(places, 0))));
  Config config;
  config.channels = shapes.photo_channels("head.0.0");
  config.scales = {shuffled_scale(shapes, "tail.0.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(shapes.count("body.encoder.layers.", ".norm1.weight")));
  config.set("heads", shapes.remark("heads", 12.0));
  config.set("side", static_cast<double>(kIptToken * along));
  const int64_t inner = kIptToken * kIptToken * width;
  config.set("ratio", static_cast<double>(shapes.size("body.mlp_head.0.weight", 0) / inner));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind ipt() {
  Kind kind{"ipt", "IPT (Chen et al. 2021)", read_ipt, ipt_graph};
  kind.fields = {{"width", "channels; a token has nine times as many", 64, 8, 128, 4},
                 {"depth", "layers of the encoder, and of the decoder", 12, 1, 32},
                 {"heads", "parts of the attention", 12, 1, 32},
                 {"side", "pixels along each side of a patch", 48, 12, 96, 12},
                 {"ratio", "numbers inside the linear layers, times those of a token", 4, 1, 8},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean.", "body.position_encoding.position_ids"};
  kind.renamed = renamed_ipt;
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    const Kind own = networks::ipt();
    return std::make_unique<IptNetwork>(own, load_graph(own, weights));
  };
  return kind;
}

}  // namespace zsr::networks
