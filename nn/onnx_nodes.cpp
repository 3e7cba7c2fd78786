#include "nn/onnx_nodes.h"

#include "core/error.h"
#include "nn/window_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

namespace zsr::nn {
namespace {

using Integers = std::vector<int64_t>;

// Adds the nodes of one operation of each kind.
class NodeAdder {
 public:
  explicit NodeAdder(const OnnxNode& node) : node_(node), to_(node.to) {}

  std::string operator()(const Input&) const { return node_.inputs.at(0); }
  std::string operator()(const Convolution& op) const;
  std::string operator()(const Activation& op) const;
  std::string operator()(const Sum&) const { return in_turn("Add"); }
  std::string operator()(const Product&) const { return in_turn("Mul"); }
  std::string operator()(const Affine& op) const;
  std::string operator()(const ChannelShift& op) const;
  std::string operator()(const Concatenation&) const {
    return to_.node("Concat", node_.inputs, {{"axis", int64_t{1}}});
  }
  std::string operator()(const Slice& op) const { return part(x(), 1, op.from, op.to); }
  std::string operator()(const PixelShuffle& op) const;
  std::string operator()(const PixelUnshuffle& op) const;
  std::string operator()(const Resize& op) const;
  std::string operator()(const Pool& op) const;
  std::string operator()(const Normalisation& op) const;
  std::string operator()(const Softmax&) const { return to_.node("Softmax", {x()}, {{"axis", int64_t{1}}}); }
  std::string operator()(const Haar& op) const;
  std::string operator()(const MatrixProduct& op) const;
  std::string operator()(const AdaptiveMaxPool& op) const;
  std::string operator()(const Pad& op) const;
  std::string operator()(const Power& op) const { return to_.node("Pow", {x(), to_.number(op.exponent)}); }
  std::string operator()(const ChannelMean&) const { return mean_of_channels(x()); }
  std::string operator()(const Learned&) const { return node_.parameter(0, {1, -1, 1, 1}); }
  std::string operator()(const PadToMultiple& op) const;
  std::string operator()(const CutTo& op) const;
  std::string operator()(const WindowAttention& op) const;
  std::string operator()(const Custom& op) const;

 private:
  const std::string& x() const { return node_.inputs.at(0); }
  // [from, to) along one axis.
  std::string part(const std::string& of, int64_t axis, int64_t from, int64_t to) const {
    return to_.node("Slice", {of, to_.integers({from}), to_.integers({to}), to_.integers({axis})});
  }
  // Channels in another order.
  std::string reordered(const std::string& image, const Integers& order) const {
    return to_.node("Gather", {image, to_.integers(order)}, {{"axis", int64_t{1}}});
  }
  std::string in_turn(const char* type) const;
  std::string mean_of_channels(const std::string& image) const {
    return to_.node("ReduceMean", {image}, {{"axes", Integers{1}}, {"keepdims", int64_t{1}}});
  }
  std::string sides(const std::string& image) const { return part(to_.node("Shape", {image}), 0, 2, 4); }
  std::string rolled(const std::string& image, int64_t shift) const;
  std::string window_stretches(const WindowAttention& op, const std::string& length) const;
  std::string window_mask(const WindowAttention& op) const;
  std::string mirrored(const std::string& image, int64_t axis) const;
  std::string enlarged_as_imresize(int64_t factor) const;
  std::string layer_normalised(double epsilon) const;
  std::string group_normalised(const Normalisation& op) const;

  const OnnxNode& node_;
  OnnxBuilder& to_;
};

std::string NodeAdder::operator()(const Convolution& op) const {
  std::vector<OnnxBuilder::Attribute> attributes{{"kernel_shape", Integers{op.side, op.side}},
                                                 {"strides", Integers{op.stride, op.stride}},
                                                 {"pads", Integers(4, op.padding)},
                                                 {"dilations", Integers{op.dilation, op.dilation}},
                                                 {"group", op.groups}};
  if (op.transposed) attributes.push_back({"output_padding", Integers{op.output_padding, op.output_padding}});
  std::vector<std::string> inputs{x(), node_.parameter(0, {})};
  if (op.bias) inputs.push_back(node_.parameter(1, {}));
  return to_.node(op.transposed ? "ConvTranspose" : "Conv", inputs, attributes);
}

std::string NodeAdder::operator()(const Activation& op) const {
  switch (op.curve) {
    case Curve::kRelu:
      return to_.node("Relu", {x()});
    case Curve::kLeakyRelu:
      return to_.node("LeakyRelu", {x()}, {{"alpha", op.slope}});
    case Curve::kPrelu:
      return to_.node("PRelu", {x(), node_.parameter(0, {-1, 1, 1})});
    case Curve::kSigmoid:
      return to_.node("Sigmoid", {x()});
    case Curve::kTanh:
      return to_.node("Tanh", {x()});
    case Curve::kSoftplus:
      return to_.node("Softplus", {x()});
    case Curve::kSilu:
      return to_.node("Mul", {x(), to_.node("Sigmoid", {x()})});
    case Curve::kMish:
      return to_.node("Mul", {x(), to_.node("Tanh", {to_.node("Softplus", {x()})})});
    case Curve::kGelu:
      break;
  }
  // x / 2 (1 + erf(x / sqrt 2))
  const std::string error = to_.node("Erf", {to_.node("Mul", {x(), to_.number(std::sqrt(0.5))})});
  const std::string share = to_.node("Mul", {to_.node("Add", {error, to_.number(1.0)}), to_.number(0.5)});
  return to_.node("Mul", {x(), share});
}

std::string NodeAdder::in_turn(const char* type) const {
  std::string made = x();
  for (size_t i = 1; i < node_.inputs.size(); ++i) made = to_.node(type, {made, node_.inputs[i]});
  return made;
}

std::string NodeAdder::operator()(const Affine& op) const {
  std::string made = x();
  if (op.factor != 1.0) made = to_.node("Mul", {made, to_.number(op.factor)});
  if (op.shift != 0.0) made = to_.node("Add", {made, to_.number(op.shift)});
  return made;
}

std::string NodeAdder::operator()(const ChannelShift& op) const {
  torch::Tensor amounts = torch::zeros({node_.channels.at(0), 1, 1});
  for (size_t i = 0; i < op.amounts.size(); ++i) amounts[static_cast<int64_t>(i)].fill_(op.amounts[i]);
  std::string name = fmt::format("shift_{}", node_.channels[0]);
  for (const float amount : op.amounts) name += fmt::format("_{:.9g}", amount);
  return to_.node("Add", {x(), to_.tensor(name, amounts)});
}

std::string NodeAdder::operator()(const PixelShuffle& op) const {
  return to_.node("DepthToSpace", {x()}, {{"blocksize", op.factor}, {"mode", std::string("CRD")}});
}

// SpaceToDepth puts the pixel of a block before the channel, pixel_unshuffle after it.
std::string NodeAdder::operator()(const PixelUnshuffle& op) const {
  const int64_t channels = node_.channels.at(0);
  const int64_t area = op.factor * op.factor;
  Integers order;
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t pixel = 0; pixel < area; ++pixel) order.push_back(pixel * channels + channel);
  }
  const std::string made = to_.node("SpaceToDepth", {x()}, {{"blocksize", op.factor}});
  return channels == 1 ? made : reordered(made, order);
}

// Two more pixels on both sides, mirrored with the edge pixel.
std::string NodeAdder::mirrored(const std::string& image, int64_t axis) const {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  return to_.node(
      "Concat",
      {part(image, axis, 1, 2), part(image, axis, 0, 1), image, part(image, axis, -1, kEnd), part(image, axis, -2, -1)},
      {{"axis", axis}});
}

std::string NodeAdder::enlarged_as_imresize(int64_t factor) const {
  const int64_t channels = node_.channels.at(0);
  const torch::Tensor kernels = imresize_kernels(factor).to(torch::kFloat32).repeat({channels, 1, 1, 1});
  const std::string weight = to_.tensor(fmt::format("imresize_{}_{}", factor, channels), kernels);
  const std::string made = to_.node("Conv", {mirrored(mirrored(x(), 2), 3), weight},
                                    {{"kernel_shape", Integers{5, 5}}, {"group", channels}});
  return to_.node("DepthToSpace", {made}, {{"blocksize", factor}, {"mode", std::string("CRD")}});
}

std::string NodeAdder::operator()(const Pad& op) const {
  return to_.node("Pad", {x(), to_.integers({0, 0, op.top, op.left, 0, 0, op.bottom, op.right})},
                  {{"mode", std::string(op.edge == Edge::kReflect ? "reflect" : "constant")}});
}

std::string NodeAdder::operator()(const PadToMultiple& op) const {
  const std::string multiple = to_.integers({op.multiple});
  const std::string over = to_.node("Mod", {sides(x()), multiple});
  const std::string missing = to_.node("Mod", {to_.node("Sub", {multiple, over}), multiple});
  const std::string amounts = to_.node("Concat", {to_.integers(Integers(6, 0)), missing}, {{"axis", int64_t{0}}});
  return to_.node("Pad", {x(), amounts}, {{"mode", std::string(op.edge == Edge::kZero ? "constant" : "reflect")}});
}

std::string NodeAdder::operator()(const CutTo& op) const {
  const std::string ends = to_.node("Mul", {sides(node_.inputs.at(1)), to_.integers({op.factor})});
  return to_.node("Slice", {x(), to_.integers({0, 0}), ends, to_.integers({2, 3})});
}

// Rows and columns from `shift` on, then those before; negative: counted from the end.
std::string NodeAdder::rolled(const std::string& image, int64_t shift) const {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  std::string made = image;
  for (const int64_t axis : {2, 3}) {
    made = to_.node("Concat", {part(made, axis, shift, kEnd), part(made, axis, 0, shift)}, {{"axis", axis}});
  }
  return made;
}

std::string NodeAdder::window_stretches(const WindowAttention& op, const std::string& length) const {
  constexpr int64_t kFloat = 1;
  const std::string size = to_.node("Squeeze", {length});
  const std::string zero = to_.node("Sub", {size, size});
  const std::string one = to_.node("Squeeze", {to_.integers({1})});
  const std::string places = to_.node("Range", {zero, size, one});
  const auto from = [&](int64_t last) {
    const std::string beyond = to_.node("GreaterOrEqual", {places, to_.node("Sub", {length, to_.integers({last})})});
    return to_.node("Cast", {beyond}, {{"to", kFloat}});
  };
  return to_.node("Add", {from(op.side), from(op.shift)});
}

// [1, windows, 1, side^2, side^2]: -100 where the shift has brought distant pixels together.
std::string NodeAdder::window_mask(const WindowAttention& op) const {
  const std::string size = sides(x());
  const std::string rows = window_stretches(op, part(size, 0, 0, 1));
  const std::string columns = window_stretches(op, part(size, 0, 1, 2));
  const std::string down = to_.node("Unsqueeze", {to_.node("Mul", {rows, to_.number(3.0)}), to_.integers({0, 1, 3})});
  const std::string regions = to_.node("Add", {down, to_.node("Unsqueeze", {columns, to_.integers({0, 1, 2})})});
  const std::string blocks = to_.node("SpaceToDepth", {regions}, {{"blocksize", op.side}});
  const std::string lines = to_.node("Reshape", {blocks, to_.integers({1, op.side * op.side, -1})});
  const std::string windows = to_.node("Transpose", {lines}, {{"perm", Integers{0, 2, 1}}});
  const std::string queries = to_.node("Unsqueeze", {windows, to_.integers({2, 4})});
  const std::string same = to_.node("Equal", {queries, to_.node("Unsqueeze", {windows, to_.integers({2, 3})})});
  return to_.node("Where", {same, to_.number(0.0), to_.number(-100.0)});
}

std::string NodeAdder::operator()(const WindowAttention& op) const {
  const int64_t pixels = op.side * op.side;
  const int64_t width = node_.channels.at(0) / 3;
  const int64_t depth = width / op.heads;
  const std::string image = op.shift > 0 ? rolled(x(), op.shift) : x();
  // [N, side^2 * 3 C, h, w], then [N, side^2, 3, heads, depth, windows]
  const std::string blocks = to_.node("SpaceToDepth", {image}, {{"blocksize", op.side}});
  const std::string parts = to_.node("Reshape", {blocks, to_.integers({0, pixels, 3, op.heads, depth, -1})});
  const auto taken = [&](int64_t which, const Integers& order) {
    const std::string one = to_.node("Squeeze", {part(parts, 2, which, which + 1), to_.integers({2})});
    return to_.node("Transpose", {one}, {{"perm", order}});
  };
  const std::string queries =
      to_.node("Mul", {taken(0, {0, 4, 2, 1, 3}), to_.number(1.0 / std::sqrt(static_cast<double>(depth)))});
  const std::string keys = taken(1, {0, 4, 2, 3, 1});
  const torch::Tensor places = relative_positions(op.side, op.side).flatten();
  const Integers rows(places.data_ptr<int64_t>(), places.data_ptr<int64_t>() + places.numel());
  const std::string distances =
      to_.node("Gather", {node_.parameter(0, {}), to_.integers(rows)}, {{"axis", int64_t{0}}});
  const std::string bias = to_.node("Reshape", {to_.node("Transpose", {distances}, {{"perm", Integers{1, 0}}}),
                                                to_.integers({op.heads, pixels, pixels})});
  std::string scores = to_.node("Add", {to_.node("MatMul", {queries, keys}), bias});
  if (op.shift > 0) scores = to_.node("Add", {scores, window_mask(op)});
  const std::string shares = to_.node("Softmax", {scores}, {{"axis", int64_t{-1}}});
  const std::string made = to_.node("MatMul", {shares, taken(2, {0, 4, 2, 1, 3})});
  const std::string ordered = to_.node("Transpose", {made}, {{"perm", Integers{0, 3, 2, 4, 1}}});
  const std::string shape = to_.node("Shape", {blocks});
  const std::string size = to_.node(
      "Concat", {part(shape, 0, 0, 1), to_.integers({pixels * width}), part(shape, 0, 2, 4)}, {{"axis", int64_t{0}}});
  const std::string back = to_.node("DepthToSpace", {to_.node("Reshape", {ordered, size})},
                                    {{"blocksize", op.side}, {"mode", std::string("DCR")}});
  return op.shift > 0 ? rolled(back, -op.shift) : back;
}

// ONNX has no adaptive pooling; this is the same where the divisor divides the sides.
std::string NodeAdder::operator()(const AdaptiveMaxPool& op) const {
  const Integers side{op.divisor, op.divisor};
  return to_.node("MaxPool", {x()}, {{"kernel_shape", side}, {"strides", side}});
}

std::string NodeAdder::operator()(const Resize& op) const {
  if (op.method == Interpolation::kImresize) return enlarged_as_imresize(op.factor);
  const bool nearest = op.method == Interpolation::kNearest;
  const std::string mode = nearest ? "nearest" : op.method == Interpolation::kBilinear ? "linear" : "cubic";
  std::vector<OnnxBuilder::Attribute> attributes{
      {"mode", mode}, {"coordinate_transformation_mode", std::string(nearest ? "asymmetric" : "half_pixel")}};
  if (nearest) attributes.push_back({"nearest_mode", std::string("floor")});
  if (op.method == Interpolation::kBicubic) attributes.push_back({"cubic_coeff_a", -0.75});  // PyTorch's
  if (node_.inputs.size() == 1) {
    const auto factor = static_cast<float>(op.factor);
    const std::string name = fmt::format("scales_{}", op.factor);
    return to_.node("Resize", {x(), "", to_.tensor(name, torch::tensor({1.0F, 1.0F, factor, factor}))}, attributes);
  }
  const std::string own = part(to_.node("Shape", {x()}), 0, 0, 2);
  const std::string other = part(to_.node("Shape", {node_.inputs[1]}), 0, 2, 4);
  const std::string sizes = to_.node("Concat", {own, other}, {{"axis", int64_t{0}}});
  return to_.node("Resize", {x(), "", "", sizes}, attributes);
}

std::string NodeAdder::operator()(const Pool& op) const {
  if (op.side > 0) {
    return to_.node(op.kind == Pooling::kMax ? "MaxPool" : "AveragePool", {x()},
                    {{"kernel_shape", Integers{op.side, op.side}}, {"strides", Integers{op.stride, op.stride}}});
  }
  if (op.kind == Pooling::kMax) return to_.node("GlobalMaxPool", {x()});
  if (op.kind == Pooling::kNorm) return to_.node("ReduceL2", {x()}, {{"axes", Integers{2, 3}}});
  const std::string mean = to_.node("GlobalAveragePool", {x()});
  if (op.kind == Pooling::kMean) return mean;
  const std::string centred = to_.node("Sub", {x(), mean});
  std::string variance = to_.node("GlobalAveragePool", {to_.node("Mul", {centred, centred})});
  if (op.kind == Pooling::kSampleDeviation) {
    const std::string sides = part(to_.node("Shape", {x()}), 0, 2, 4);
    const std::string area = to_.node("ReduceProd", {to_.node("Cast", {sides}, {{"to", int64_t{1}}})});
    const std::string others = to_.node("Sub", {area, to_.number(1.0)});
    variance = to_.node("Mul", {variance, to_.node("Div", {area, others})});
  }
  return to_.node("Sqrt", {variance});
}

std::string NodeAdder::layer_normalised(double epsilon) const {
  const std::string centred = to_.node("Sub", {x(), mean_of_channels(x())});
  const std::string variance = mean_of_channels(to_.node("Mul", {centred, centred}));
  const std::string deviation = to_.node("Sqrt", {to_.node("Add", {variance, to_.number(epsilon)})});
  const std::string scaled = to_.node("Mul", {to_.node("Div", {centred, deviation}), node_.parameter(0, {-1, 1, 1})});
  return to_.node("Add", {scaled, node_.parameter(1, {-1, 1, 1})});
}

// Each group as one long channel.
std::string NodeAdder::group_normalised(const Normalisation& op) const {
  const std::string ones = to_.tensor(fmt::format("ones_{}", op.groups), torch::ones({op.groups}));
  const std::string zeros = to_.tensor(fmt::format("zeros_{}", op.groups), torch::zeros({op.groups}));
  const std::string rows = to_.node("Reshape", {x(), to_.integers({0, op.groups, -1})});
  const std::string normal = to_.node("InstanceNormalization", {rows, ones, zeros}, {{"epsilon", op.epsilon}});
  const std::string image = to_.node("Reshape", {normal, to_.node("Shape", {x()})});
  return to_.node("Add", {to_.node("Mul", {image, node_.parameter(0, {-1, 1, 1})}), node_.parameter(1, {-1, 1, 1})});
}

std::string NodeAdder::operator()(const Normalisation& op) const {
  if (op.kind == Norm::kGroup) return group_normalised(op);
  if (op.kind == Norm::kLayer) return layer_normalised(op.epsilon);
  std::vector<std::string> inputs{x(), node_.parameter(0, {}), node_.parameter(1, {})};
  if (op.kind == Norm::kBatch) inputs.insert(inputs.end(), {node_.parameter(2, {}), node_.parameter(3, {})});
  return to_.node(op.kind == Norm::kBatch ? "BatchNormalization" : "InstanceNormalization", inputs,
                  {{"epsilon", op.epsilon}});
}

// A strided convolution of each channel by itself with the four patterns gives its bands side by side; the graph has
// each band of all channels side by side.
std::string NodeAdder::operator()(const Haar& op) const {
  const int64_t channels = op.inverse ? node_.channels.at(0) / 4 : node_.channels.at(0);
  const torch::Tensor patterns = torch::tensor({1.0F, 1.0F, 1.0F, 1.0F, 1.0F, -1.0F, 1.0F, -1.0F, 1.0F, 1.0F, -1.0F,
                                                -1.0F, 1.0F, -1.0F, -1.0F, 1.0F})
                                     .view({4, 1, 2, 2}) /
                                 2.0;
  const std::string weight =
      to_.tensor(fmt::format("haar_patterns_{}", channels), patterns.repeat({channels, 1, 1, 1}));
  const std::vector<OnnxBuilder::Attribute> attributes{
      {"kernel_shape", Integers{2, 2}}, {"strides", Integers{2, 2}}, {"group", channels}};
  Integers order(static_cast<size_t>(4 * channels));
  for (int64_t band = 0; band < 4; ++band) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      const int64_t of_band = band * channels + channel;
      const int64_t of_channel = channel * 4 + band;
      order[static_cast<size_t>(op.inverse ? of_channel : of_band)] = op.inverse ? of_band : of_channel;
    }
  }
  if (op.inverse) return to_.node("ConvTranspose", {reordered(x(), order), weight}, attributes);
  return reordered(to_.node("Conv", {x(), weight}, attributes), order);
}

std::string NodeAdder::operator()(const MatrixProduct& op) const {
  const std::string& second = node_.inputs.at(1);
  if (!op.transpose_second) return to_.node("MatMul", {x(), second});
  return to_.node("MatMul", {x(), to_.node("Transpose", {second}, {{"perm", Integers{0, 1, 3, 2}}})});
}

std::string NodeAdder::operator()(const Custom& op) const {
  throw InputError(
      fmt::format("cannot export {}: ONNX has no counterpart of its operation '{}'", node_.network, op.name));
}

}  // namespace

std::string add_onnx_nodes(const Operation& operation, const OnnxNode& node) {
  return std::visit(NodeAdder(node), operation);
}

}  // namespace zsr::nn
