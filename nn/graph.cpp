#include "nn/graph.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace zsr::nn {
namespace {

// Large enough for every pooling; a multiple of all strides and pixel shuffles together.
constexpr int64_t kNominalSide = 96;

}  // namespace

int64_t Parameter::count() const {
  int64_t product = 1;
  for (const int64_t length : shape) product *= length;
  return product;
}

Value operator+(Value a, Value b) {
  return a.graph->add({Sum{}}, {a, b});
}
Value operator*(Value a, Value b) {
  return a.graph->add({Product{}}, {a, b});
}
Value operator*(Value a, double factor) {
  return factor == 1.0 ? a : a.graph->add({Affine{factor, 0.0}}, {a});
}
Value operator*(double factor, Value a) {
  return a * factor;
}

Value Graph::add(Operation operation, const std::vector<Value>& inputs, std::vector<int32_t> parameters) {
  Node node{std::move(operation), {}, std::move(parameters), 0};
  std::vector<Shape> shapes;
  for (const Value& value : inputs) {
    node.inputs.push_back(value.node);
    shapes.push_back(nominal_.at(static_cast<size_t>(value.node)));
  }
  Shape made = shape_after(node.operation, shapes);
  if (const auto* const input = std::get_if<Input>(&node.operation)) {
    made = {made.channels, kNominalSide / input->step, kNominalSide / input->step};
  }
  if (made.channels < 1 || made.height < 1 || made.width < 1) {
    throw OptionError(fmt::format("a {} would have {} channels, {} x {} pixels", name_of(node.operation), made.channels,
                                  made.height, made.width));
  }
  node.channels = made.channels;
  nodes_.push_back(std::move(node));
  nominal_.push_back(made);
  return {this, static_cast<int32_t>(nodes_.size()) - 1};
}

Value Graph::input(int64_t channels, int64_t step) {
  ++inputs_;
  return add({Input{channels, step}}, {});
}

int32_t Graph::parameter(const std::string& name, std::vector<int64_t> shape, Parameter::Role role) {
  if (find(name)) throw OptionError(fmt::format("two parameters are named '{}'", name));
  const double unit = role == Parameter::Role::kBias ? bias_unit_ : 1.0;
  Parameter made{name, std::move(shape), role, parameter_count_, unit, {}};
  parameter_count_ += made.count();
  parameters_.push_back(std::move(made));
  return static_cast<int32_t>(parameters_.size()) - 1;
}

Value Graph::conv(const std::string& name, Value x, int64_t out, ConvOptions options) {
  const int64_t same = options.dilation * (options.side - 1) / 2;
  const Convolution operation{out,
                              options.side,
                              options.stride,
                              options.padding < 0 ? same : options.padding,
                              options.dilation,
                              options.groups,
                              options.bias};
  const int64_t in = node(x.node).channels;
  try {
    shape_after(operation, {nominal_[static_cast<size_t>(x.node)]});
  } catch (const OptionError& error) {
    throw OptionError(fmt::format("{}: {}", name, error.what()));
  }
  std::vector<int32_t> parameters{
      parameter(name + ".weight", {out, in / options.groups, options.side, options.side}, Parameter::Role::kWeight)};
  if (options.bias) parameters.push_back(parameter(name + ".bias", {out}, Parameter::Role::kBias));
  return add({operation}, {x}, std::move(parameters));
}

Value Graph::transposed_conv(const std::string& name, Value x, int64_t out, Convolution operation) {
  operation.out = out;
  operation.transposed = true;
  const int64_t in = node(x.node).channels;
  std::vector<int32_t> parameters{parameter(
      name + ".weight", {in, out / operation.groups, operation.side, operation.side}, Parameter::Role::kWeight)};
  if (operation.bias) parameters.push_back(parameter(name + ".bias", {out}, Parameter::Role::kBias));
  return add({operation}, {x}, std::move(parameters));
}

Value Graph::conv_like(Value other, Value x) {
  const Node& node = nodes_[static_cast<size_t>(other.node)];
  return add(node.operation, {x}, node.parameters);
}

Value Graph::prelu(const std::string& name, Value x, int64_t count) {
  const int64_t slopes = count > 0 ? count : node(x.node).channels;
  const int32_t index = parameter(name + ".weight", {slopes}, Parameter::Role::kSlope);
  return add({Activation{Curve::kPrelu}}, {x}, {index});
}

Value Graph::normalise(const std::string& name, Value x, Norm kind, double epsilon, int64_t groups) {
  const int64_t channels = node(x.node).channels;
  if (channels % groups != 0) {
    throw OptionError(fmt::format("{}: {} channels cannot have {} groups", name, channels, groups));
  }
  std::vector<int32_t> parameters{parameter(name + ".weight", {channels}, Parameter::Role::kNormWeight),
                                  parameter(name + ".bias", {channels}, Parameter::Role::kNormBias)};
  if (kind == Norm::kBatch) {
    parameters.push_back(parameter(name + ".running_mean", {channels}, Parameter::Role::kMean));
    parameters.push_back(parameter(name + ".running_var", {channels}, Parameter::Role::kVariance));
  }
  return add({Normalisation{kind, epsilon, groups}}, {x}, std::move(parameters));
}

Value Graph::learned(const std::string& name, std::vector<int64_t> shape, Parameter::Role role) {
  const int32_t index = parameter(name, std::move(shape), role);
  return add({Learned{parameters_[static_cast<size_t>(index)].count()}}, {}, {index});
}

Value Graph::window_attention(const std::string& table, Value x, WindowAttention options) {
  const int64_t distances = 2 * options.side - 1;
  const int32_t index = parameter(table, {distances * distances, options.heads}, Parameter::Role::kNormBias);
  return add({options}, {x}, {index});
}

Value Graph::custom(Custom operation, const std::vector<Value>& inputs, std::vector<int32_t> parameters) {
  return add({std::move(operation)}, inputs, std::move(parameters));
}

void Graph::begin(const std::string& name, std::vector<float> values) {
  Parameter& own = parameters_.at(static_cast<size_t>(find(name).value()));
  if (values.size() == 1) values.resize(static_cast<size_t>(own.count()), values.front());
  if (static_cast<int64_t>(values.size()) != own.count()) {
    throw std::logic_error(fmt::format("{} initial values for '{}' of {}", values.size(), name, own.count()));
  }
  own.initial = std::move(values);
}

void Graph::output(Value x, int64_t scale) {
  outputs_.emplace_back(scale, x.node);
  std::sort(outputs_.begin(), outputs_.end());
}

void Graph::intermediate(const std::string& name, Value x, int64_t scale, int64_t own_scale) {
  intermediates_.push_back({name, x.node, scale, own_scale});
}

std::vector<Graph::Intermediate> Graph::intermediates_at(int64_t scale) const {
  const int64_t asked = scale == 0 && outputs_.size() == 1 ? outputs_.front().first : scale;
  std::vector<Intermediate> found;
  std::copy_if(intermediates_.begin(), intermediates_.end(), std::back_inserter(found),
               [&](const Intermediate& item) { return item.scale == asked; });
  return found;
}

int32_t Graph::output_at(int64_t scale) const {
  if (scale == 0 && outputs_.size() == 1) return outputs_.front().second;
  for (const auto& [own, node] : outputs_) {
    if (own == scale) return node;
  }
  throw OptionError(fmt::format("scale = {}, this network has {}", scale, fmt::join(scales(), ", ")));
}

std::vector<int64_t> Graph::scales() const {
  std::vector<int64_t> all;
  for (const auto& [scale, node] : outputs_) all.push_back(scale);
  return all;
}

int64_t Graph::trained_count() const {
  int64_t count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.trained() ? parameter.count() : 0;
  return count;
}

std::optional<int32_t> Graph::find(const std::string& name) const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].name == name) return static_cast<int32_t>(i);
  }
  return std::nullopt;
}

}  // namespace zsr::nn
