#include "nn/onnx_builder.h"

#include "core/device.h"
#include "core/error.h"
#include "nn/onnx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>
#include <onnx/onnx_pb.h>

namespace zsr::nn {
namespace {

constexpr int64_t kIrVersion = 7;  // ONNX 1.8's, the first with operator set 13

void declare(onnx::ValueInfoProto& value, const std::string& name, int64_t channels, const std::string& prefix) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  auto& shape = *type.mutable_shape();
  shape.add_dim()->set_dim_param("batch");
  shape.add_dim()->set_dim_value(channels);
  shape.add_dim()->set_dim_param(prefix + "height");
  shape.add_dim()->set_dim_param(prefix + "width");
}

void set_attribute(onnx::AttributeProto& attribute, const OnnxBuilder::Attribute& from) {
  attribute.set_name(from.first);
  if (const auto* const whole = std::get_if<int64_t>(&from.second)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*whole);
  } else if (const auto* const real = std::get_if<double>(&from.second)) {
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(static_cast<float>(*real));
  } else if (const auto* const text = std::get_if<std::string>(&from.second)) {
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(*text);
  } else {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : std::get<std::vector<int64_t>>(from.second)) attribute.add_ints(value);
  }
}

int32_t onnx_type(torch::ScalarType type) {
  if (type == torch::kInt64) return onnx::TensorProto::INT64;
  return type == torch::kFloat16 ? onnx::TensorProto::FLOAT16 : onnx::TensorProto::FLOAT;
}

}  // namespace

OnnxBuilder::OnnxBuilder(const std::string& network) : model_(std::make_unique<onnx::ModelProto>()) {
  model_->set_ir_version(kIrVersion);
  model_->set_producer_name("zsr");
  model_->set_producer_version(library_version());
  auto& operators = *model_->add_opset_import();
  operators.set_domain("");
  operators.set_version(kOnnxOperatorSet);
  model_->mutable_graph()->set_name(network);
}

OnnxBuilder::~OnnxBuilder() = default;

std::string OnnxBuilder::unique(const std::string& name) {
  std::string made = name;
  for (int64_t i = 2; !taken_.insert(made).second; ++i) made = fmt::format("{}_{}", name, i);
  return made;
}

std::string OnnxBuilder::input(const std::string& name, int64_t channels) {
  const std::string made = unique(name);
  declare(*model_->mutable_graph()->add_input(), made, channels, "");
  return made;
}

void OnnxBuilder::output(const std::string& from, int64_t channels) {
  onnx::GraphProto& graph = *model_->mutable_graph();
  // A result gets the name itself; an input or a constant keeps its own.
  const bool computed = std::any_of(graph.node().begin(), graph.node().end(),
                                    [&](const onnx::NodeProto& made) { return made.output(0) == from; });
  const std::string source = computed ? from : node("Identity", {from});
  for (onnx::NodeProto& each : *graph.mutable_node()) {
    if (each.output(0) == source) each.set_output(0, "output");
    for (std::string& used : *each.mutable_input()) {
      if (used == source) used = "output";
    }
  }
  declare(*graph.add_output(), "output", channels, "output_");
}

void OnnxBuilder::describe(const std::string& key, const std::string& value) {
  auto& entry = *model_->add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

std::string OnnxBuilder::node(const std::string& type, const std::vector<std::string>& inputs,
                              const std::vector<Attribute>& attributes) {
  const std::string made = unique(scope_ + "/" + type);
  auto& added = *model_->mutable_graph()->add_node();
  added.set_op_type(type);
  added.set_name(made);
  for (const std::string& name : inputs) added.add_input(name);
  added.add_output(made);
  for (const Attribute& attribute : attributes) set_attribute(*added.add_attribute(), attribute);
  return made;
}

void OnnxBuilder::store(const std::string& name, const torch::Tensor& values) {
  const torch::Tensor plain = values.detach().to(torch::kCPU).contiguous();
  auto& stored = *model_->mutable_graph()->add_initializer();
  stored.set_name(name);
  stored.set_data_type(onnx_type(plain.scalar_type()));
  for (const int64_t length : plain.sizes()) stored.add_dims(length);
  stored.set_raw_data(plain.data_ptr(), static_cast<size_t>(plain.numel()) * plain.element_size());
}

std::string OnnxBuilder::tensor(const std::string& name, const torch::Tensor& values, bool half) {
  if (!constants_.insert(name).second) return name;
  taken_.insert(name);
  const torch::Tensor narrow = half ? values.to(torch::kFloat16) : torch::Tensor();
  if (!half || !torch::isfinite(narrow).all().item<bool>()) {
    store(name, values.to(torch::kFloat32));
    return name;
  }
  store(unique(name + ".half"), narrow);
  auto& widening = *model_->mutable_graph()->add_node();
  widening.set_op_type("Cast");
  widening.set_name(name + "/Cast");
  widening.add_input(name + ".half");
  widening.add_output(name);
  set_attribute(*widening.add_attribute(), {"to", int64_t{onnx::TensorProto::FLOAT}});
  return name;
}

std::string OnnxBuilder::number(double value) {
  return tensor(fmt::format("number_{:.9g}", value), torch::tensor(static_cast<float>(value)));
}

std::string OnnxBuilder::integers(const std::vector<int64_t>& values) {
  const std::string name = fmt::format("integers_{}", fmt::join(values, "_"));
  if (constants_.insert(name).second) {
    taken_.insert(name);
    store(name, torch::tensor(values));
  }
  return name;
}

std::string OnnxBuilder::bytes() const {
  if (model_->ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw InputError(fmt::format("cannot export {}: its ONNX file would exceed 2 GB", model_->graph().name()));
  }
  return model_->SerializeAsString();
}

}  // namespace zsr::nn
