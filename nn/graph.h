#pragma once

#include "nn/operations.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zsr::nn {

class Graph;

/// What a node of a graph makes. Sums, products and multiples of values are nodes themselves. Only for building: it
/// must not outlive the graph or its move.
struct Value {
  Graph* graph = nullptr;
  int32_t node = -1;
};
Value operator+(Value a, Value b);
Value operator*(Value a, Value b);
Value operator*(Value a, double factor);
Value operator*(double factor, Value a);

/// A trained tensor of a graph.
struct Parameter {
  enum class Role { kWeight, kBias, kSlope, kNormWeight, kNormBias, kMean, kVariance };
  std::string name;  ///< As weights files have it.
  std::vector<int64_t> shape;
  Role role = Role::kWeight;
  int64_t offset = 0;  ///< In the flat tensor of all parameters.
  /// The value in a weights file is this many times the value here (biases for colours from 0 to 255).
  double file_unit = 1.0;
  /// What training begins with; empty: as the role says.
  std::vector<float> initial{};

  int64_t count() const;
  /// Trained by an optimiser; running statistics are not.
  bool trained() const { return role != Role::kMean && role != Role::kVariance; }
};

struct Node {
  Operation operation;
  std::vector<int32_t> inputs;
  std::vector<int32_t> parameters;  ///< Indices into Graph::parameters().
  int64_t channels = 0;             ///< Of what it makes.
};

/// A network: operations on images, with the names and shapes of what is trained. Everything else follows from it:
/// loading and saving (nn/parameter_file.h), running (nn/model.h), its cost and reach (nn/geometry.h).
///
/// Convolutions keep the size (zero padding) unless the options say otherwise. Building throws OptionError, naming the
/// node and the constraint, for a configuration that cannot be.
class Graph {
 public:
  /// `step`: its sides are those of the first input divided by it.
  Value input(int64_t channels, int64_t step = 1);

  struct ConvOptions {
    int64_t side = 3;
    int64_t stride = 1;
    int64_t padding = -1;  ///< -1: keeps the size at stride 1.
    int64_t dilation = 1;
    int64_t groups = 1;
    bool bias = true;
  };
  /// Parameters "<name>.weight" and "<name>.bias".
  Value conv(const std::string& name, Value x, int64_t out, ConvOptions options);
  Value conv(const std::string& name, Value x, int64_t out) { return conv(name, x, out, ConvOptions{}); }
  Value transposed_conv(const std::string& name, Value x, int64_t out, Convolution options);
  /// A convolution with a weight that is already there (shared between two places).
  Value conv_like(Value other, Value x);

  Value relu(Value x) { return add({Activation{Curve::kRelu}}, {x}); }
  Value leaky_relu(Value x, double slope) { return add({Activation{Curve::kLeakyRelu, slope}}, {x}); }
  /// Parameter "<name>.weight", `count` slopes: 1, or one for each channel (0).
  Value prelu(const std::string& name, Value x, int64_t count = 0);
  Value activation(Curve curve, Value x) { return add({Activation{curve}}, {x}); }
  Value sigmoid(Value x) { return activation(Curve::kSigmoid, x); }

  Value sum(const std::vector<Value>& x) { return add({Sum{}}, x); }
  Value affine(Value x, double factor, double shift) { return add({Affine{factor, shift}}, {x}); }
  Value shift(Value x, std::vector<float> amounts) { return add({ChannelShift{std::move(amounts)}}, {x}); }
  Value concat(const std::vector<Value>& x) { return add({Concatenation{}}, x); }
  /// Channels [from, to).
  Value slice(Value x, int64_t from, int64_t to) { return add({Slice{from, to}}, {x}); }
  Value shuffle(Value x, int64_t factor) { return factor == 1 ? x : add({PixelShuffle{factor}}, {x}); }
  Value unshuffle(Value x, int64_t factor) { return factor == 1 ? x : add({PixelUnshuffle{factor}}, {x}); }
  Value nearest(Value x, int64_t factor) {
    return factor == 1 ? x : add({Resize{Interpolation::kNearest, factor}}, {x});
  }
  Value resize(Value x, Interpolation method, int64_t factor) { return add({Resize{method, factor}}, {x}); }
  Value resize_like(Value x, Value other, Interpolation method) { return add({Resize{method, 0}}, {x, other}); }
  Value pool(Value x, Pooling kind, int64_t side = 0, int64_t stride = 1) {
    return add({Pool{kind, side, stride}}, {x});
  }
  /// Parameters "<name>.weight", ".bias" and, for kBatch, ".running_mean", ".running_var".
  Value normalise(const std::string& name, Value x, Norm kind, double epsilon = 1e-5, int64_t groups = 1);
  Value adaptive_max_pool(Value x, int64_t divisor) { return add({AdaptiveMaxPool{divisor}}, {x}); }
  Value pad(Value x, Pad amounts) { return add({amounts}, {x}); }
  Value pad_to_multiple(Value x, int64_t multiple, Edge edge = Edge::kReflect) {
    return add({PadToMultiple{multiple, edge}}, {x});
  }
  Value cut_to(Value x, Value other, int64_t factor) { return add({CutTo{factor}}, {x, other}); }
  /// Parameter of that name, [(2 side - 1)^2, heads].
  Value window_attention(const std::string& table, Value x, WindowAttention options);
  Value power(Value x, double exponent) { return add({Power{exponent}}, {x}); }
  Value channel_mean(Value x) { return add({ChannelMean{}}, {x}); }
  /// A parameter of that name, one number a channel, to weigh or shift channels by.
  Value learned(const std::string& name, std::vector<int64_t> shape, Parameter::Role role);
  Value softmax(Value x) { return add({Softmax{}}, {x}); }
  Value haar(Value x, bool inverse = false) { return add({Haar{inverse}}, {x}); }
  Value matrix_product(Value a, Value b, bool transpose_second) {
    return add({MatrixProduct{transpose_second}}, {a, b});
  }
  Value custom(Custom operation, const std::vector<Value>& inputs) { return add({std::move(operation)}, inputs); }
  /// A parameter of a free operation.
  int32_t parameter(const std::string& name, std::vector<int64_t> shape, Parameter::Role role);
  Value custom(Custom operation, const std::vector<Value>& inputs, std::vector<int32_t> parameters);

  /// What training begins with for that parameter, or one number for all of it.
  void begin(const std::string& parameter, std::vector<float> values);

  /// What the network gives at `scale` (output pixels a pixel of the first input); one for each scale.
  void output(Value x, int64_t scale);
  /// A result on the way to the one at `scale` that training can compare with the target too, `own_scale` output pixels
  /// a pixel of the first input. Nothing is computed for its sake unless a run asks for it.
  struct Intermediate {
    std::string name;  ///< E.g. "recursion 3".
    int32_t node = -1;
    int64_t scale = 1;
    int64_t own_scale = 1;
  };
  void intermediate(const std::string& name, Value x, int64_t scale, int64_t own_scale);
  /// Those on the way to the result at `scale` (0 = the only one), in the order in which they were named.
  std::vector<Intermediate> intermediates_at(int64_t scale) const;
  /// Biases from here on stand in weights files `unit` times as large as here: authors who count colours from 0 to 255
  /// have ours times 255.
  void bias_unit(double unit) { bias_unit_ = unit; }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int32_t index) const { return nodes_[static_cast<size_t>(index)]; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// The node that makes the result at `scale`; 0 = the only one. Throws OptionError.
  int32_t output_at(int64_t scale) const;
  std::vector<int64_t> scales() const;
  int64_t input_count() const { return inputs_; }
  /// Numbers in all parameters; of them, those that are trained.
  int64_t parameter_count() const { return parameter_count_; }
  int64_t trained_count() const;
  /// Parameter index by name.
  std::optional<int32_t> find(const std::string& name) const;

 private:
  friend Value operator+(Value a, Value b);
  friend Value operator*(Value a, Value b);
  friend Value operator*(Value a, double factor);
  Value add(Operation operation, const std::vector<Value>& inputs, std::vector<int32_t> parameters = {});

  std::vector<Node> nodes_;
  std::vector<Shape> nominal_;  // of every node, for an input of kNominalSide
  std::vector<Parameter> parameters_;
  std::vector<std::pair<int64_t, int32_t>> outputs_;
  std::vector<Intermediate> intermediates_;
  int64_t inputs_ = 0;
  int64_t parameter_count_ = 0;
  double bias_unit_ = 1.0;
};

}  // namespace zsr::nn
