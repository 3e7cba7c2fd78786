#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

// Sides of the convolutions that enlarge and reduce by `factor`.
struct CsnlnSteps {
  int64_t side = 6;
  int64_t stride = 2;
  int64_t padding = 2;
};
CsnlnSteps csnln_steps(int64_t factor) {
  switch (factor) {
    case 3:
      return {9, 3, 3};
    case 4:
      return {8, 4, 2};
    default:
      return {6, 2, 2};
  }
}

// [1, C, H, W] as kernels [patches, C, side, side] of patches that begin `stride` pixels apart, the first `margin`
// pixels outside.
torch::Tensor csnln_patches(const torch::Tensor& image, int64_t side, int64_t stride, int64_t margin) {
  const torch::Tensor columns = torch::im2col(image, {side, side}, {1, 1}, {margin, margin}, {stride, stride});
  return columns[0].t().reshape({-1, image.size(1), side, side});
}

// Cross-scale attention: each 3x3 patch of the queries is compared with all patches of keys that are `factor` times
// smaller; the result is put together of the patches of the values that stand where the keys do, `factor` times larger.
torch::Tensor csnln_cross_scale(const std::vector<torch::Tensor>& in, int64_t factor) {
  constexpr double kSharp = 10.0;
  constexpr double kLeast = 1e-4;
  // Of the published code, for the factor 3 too, where nine patches lie over each pixel of the inside.
  constexpr double kOverlap = 6.0;
  std::vector<torch::Tensor> made;
  for (int64_t i = 0; i < in[0].size(0); ++i) {
    const auto one = [&](size_t input) { return in[input].slice(0, i, i + 1); };
    const torch::Tensor keys = csnln_patches(one(1), 3, 1, 1);
    const torch::Tensor lengths = keys.square().sum({1, 2, 3}, true).sqrt().clamp_min(kLeast);
    const torch::Tensor scores = torch::conv2d(one(0), keys / lengths, {}, 1, 1);
    const torch::Tensor values = csnln_patches(one(2), 3 * factor, factor, factor);
    const torch::Tensor weights = torch::softmax(scores * kSharp, 1);
    made.push_back(torch::conv_transpose2d(weights, values, {}, factor, factor) / kOverlap);
  }
  return torch::cat(made, 0);
}

// The self-exemplar mining cell: its layers are used again in every step.
class CsnlnCell {
 public:
  CsnlnCell(Graph& graph, const Config& config)
      : g_(graph),
        layers_(graph),
        scale_(config.scales[0]),
        factor_(scale_ == 3 ? 3 : 2),
        width_(config.whole("width")),
        inner_(config.whole("inner")) {}

  // Features at the photo's size become features at the result's; `x` is set to what the next step begins with.
  Value step(Value& x) {
    Value large = projection("SEM.multi_source_projection.", x);
    large = large + enlarged("SEM.error_encode", lacking(x, reduced("SEM.down_sample_1", large, factor_)), factor_);
    if (scale_ == 4) {
      large = projection("SEM.multi_source_projection_2.", large);
      large = large + enlarged("SEM.error_encode_2", lacking(x, reduced("SEM.down_sample_3", large, 4)), 4);
    }
    const Value small =
        scale_ == 4 ? reduced("SEM.down_sample_4", large, 4) : reduced("SEM.down_sample_2", large, factor_);
    x = active("SEM.post_conv", layers_.conv("SEM.post_conv.0", small, width_));
    return large;
  }

 private:
  Value active(const std::string& name, Value x) { return layers_.prelu(name + ".1", x); }
  static Value lacking(Value x, Value other) { return x + -1.0 * other; }
  Value reduced(const std::string& name, Value x, int64_t factor) {
    const CsnlnSteps s = csnln_steps(factor);
    return active(name,
                  layers_.conv(name + ".0", x, width_, {.side = s.side, .stride = s.stride, .padding = s.padding}));
  }
  Value enlarged(const std::string& name, Value x, int64_t factor) {
    const CsnlnSteps s = csnln_steps(factor);
    return active(name, layers_.transposed_conv(name + ".0", x, width_,
                                                {.side = s.side, .stride = s.stride, .padding = s.padding}));
  }
  Value pixel(const std::string& name, Value x, int64_t out) {
    return active(name, layers_.conv(name + ".0", x, out, {.side = 1}));
  }

  // What attention inside the scale and across scales make, where they differ corrected by a residual block.
  Value projection(const std::string& name, Value x) {
    const std::string down = name + "down_attention.";
    const Value inside =
        pixel_attention(g_, pixel(down + "conv_match1", x, inner_), pixel(down + "conv_match2", x, inner_),
                        pixel(down + "conv_assembly", x, width_));
    const Value plain = enlarged(name + "upsample", inside, factor_);
    const Value difference = lacking(across(name + "up_attention.", x), plain);
    const Value hidden = layers_.conv(name + "encoder.body.0", difference, width_);
    const Value corrected =
        layers_.conv(name + "encoder.body.2", layers_.prelu(name + "encoder.body.1", hidden), width_) + difference;
    return plain + corrected;
  }
  Value across(const std::string& name, Value x) {
    const int64_t factor = factor_;
    const Value small =
        g_.custom({"bilinear reduction",
                   [=](const std::vector<Shape>& in) {
                     return Shape{in[0].channels, in[0].height / factor, in[0].width / factor};
                   },
                   [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     return torch::upsample_bilinear2d(in[0], {in[0].size(2) / factor, in[0].size(3) / factor}, false);
                   },
                   -1},
                  {x});
    return g_.custom({"cross-scale attention",
                      [=](const std::vector<Shape>& in) {
                        return Shape{in[2].channels, in[2].height * factor, in[2].width * factor};
                      },
                      [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                        return csnln_cross_scale(in, factor);
                      },
                      -1, 12.0 / static_cast<double>(factor * factor)},
                     {pixel(name + "conv_match_1", x, inner_), pixel(name + "conv_match_2", small, inner_),
                      pixel(name + "conv_assembly", x, width_)});
  }

  Graph& g_;
  SharedLayers layers_;
  int64_t scale_;
  int64_t factor_;
  int64_t width_;
  int64_t inner_;
};

// CSNLN (Mei et al., CVPR 2020). The published code takes sides that the scale divides; here others are continued by
// mirrored rows and columns.
Graph csnln_graph(const Config& config) {
  Graph g;
  CsnlnCell cell(g, config);
  const int64_t scale = config.scales[0];
  const int64_t width = config.whole("width");
  const Value image = g.input(config.channels);
  Value x = into_colors(g, g.pad_to_multiple(image, scale == 3 ? 3 : 2), config);
  for (const char* const name : {"head.0.", "head.1."}) {
    const std::string layer(name);
    x = g.prelu(layer + "1", g.conv(layer + "0", x, width), 1);
  }
  std::vector<Value> made;
  for (int64_t i = 0; i < config.whole("depth"); ++i) made.push_back(cell.step(x));
  x = g.conv("tail.0", made.size() == 1 ? made[0] : g.concat(made), config.channels);
  g.output(out_of_colors(g, g.cut_to(x, image, scale), config), scale);
  return g;
}

int64_t csnln_scale(const FileShapes& shapes) {
  if (shapes.has("SEM.down_sample_4.0.weight")) return 4;
  return shapes.size("SEM.down_sample_1.0.weight", 2) == csnln_steps(3).side ? 3 : 2;
}

std::optional<Config> read_csnln(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string match = "SEM.multi_source_projection.up_attention.conv_match_1.0.weight";
  if (!shapes.has(match) || !shapes.has("tail.0.weight") || !shapes.has("head.0.0.weight")) return std::nullopt;
  const int64_t width = std::max<int64_t>(1, shapes.size("head.0.0.weight", 0));
  Config config;
  config.channels = shapes.photo_channels("head.0.0");
  config.scales = {csnln_scale(shapes)};
  config.set("width", static_cast<double>(width));
  config.set("inner", static_cast<double>(shapes.size(match, 0)));
  config.set("depth", static_cast<double>(shapes.size("tail.0.weight", 1) / width));
  read_colors(weights, config);
  if (!shapes.has("sub_mean.bias")) config.set("color_range", shapes.remark("color_range", 1.0));
  return config;
}

}  // namespace

Kind csnln() {
  Kind kind{"csnln", "CSNLN (Mei et al. 2020)", read_csnln, csnln_graph};
  kind.traits.least_side = 4;
  kind.fields = {{"width", "channels", 128, 8, 256},
                 {"depth", "steps of the cell", 12, 1, 32},
                 {"inner", "channels in which patches are compared", 64, 1, 256},
                 {"color_range", "colours go from 0 to this", 1, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean.", "SEM.multi_source_projection.up_attention.escape_NaN",
                  "SEM.multi_source_projection_2.up_attention.escape_NaN"};
  return kind;
}

}  // namespace zsr::networks
