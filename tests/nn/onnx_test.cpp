#include "nn/onnx.h"

#include "core/error.h"
#include "nn/geometry.h"
#include "tests/nn/operation_cases.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <gmock/gmock.h>
#include <map>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

namespace zsr::nn {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

onnx::ModelProto parsed(const std::string& bytes) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

onnx::ModelProto exported(const Graph& graph, OnnxOptions options = {}) {
  if (options.network.empty()) options.network = "test";
  return parsed(to_onnx(graph, random_parameters(graph, torch::kFloat32), options));
}

std::vector<std::string> node_types(const onnx::ModelProto& model) {
  std::vector<std::string> types;
  for (const onnx::NodeProto& node : model.graph().node()) types.push_back(node.op_type());
  return types;
}

const onnx::TensorProto* constant(const onnx::ModelProto& model, const std::string& name) {
  for (const onnx::TensorProto& tensor : model.graph().initializer()) {
    if (tensor.name() == name) return &tensor;
  }
  return nullptr;
}

std::vector<int64_t> dims(const onnx::ValueInfoProto& value) {
  std::vector<int64_t> all;
  for (const auto& dim : value.type().tensor_type().shape().dim())
    all.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  return all;
}

const std::map<std::string, std::vector<std::string>>& expected_types() {
  using Types = std::vector<std::string>;
  const Types sizes{"Shape", "Slice", "Shape", "Slice", "Concat", "Resize"};
  Types bilinear_like{"MaxPool"};
  bilinear_like.insert(bilinear_like.end(), sizes.begin(), sizes.end());
  const auto joined = [](const std::vector<Types>& parts) {
    Types all;
    for (const Types& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const Types roll{"Slice", "Slice", "Concat", "Slice", "Slice", "Concat"};
  const Types taken{"Slice", "Squeeze", "Transpose"};
  const Types scores =
      joined({{"SpaceToDepth", "Reshape"}, taken, {"Mul"}, taken, {"Gather", "Transpose", "Reshape", "MatMul", "Add"}});
  const Types stretches{"Slice",          "Squeeze", "Sub", "Squeeze",        "Range", "Sub",
                        "GreaterOrEqual", "Cast",    "Sub", "GreaterOrEqual", "Cast",  "Add"};
  const Types mask = joined({{"Shape", "Slice"},
                             stretches,
                             stretches,
                             {"Mul", "Unsqueeze", "Unsqueeze", "Add", "SpaceToDepth", "Reshape", "Transpose",
                              "Unsqueeze", "Unsqueeze", "Equal", "Where", "Add"}});
  const Types seen = joined(
      {{"Softmax"}, taken, {"MatMul", "Transpose", "Shape", "Slice", "Slice", "Concat", "Reshape", "DepthToSpace"}});
  static const std::map<std::string, Types> all{
      {"conv3x3", {"Conv"}},
      {"conv1x1", {"Conv"}},
      {"conv5x5NoBias", {"Conv"}},
      {"strided", {"Conv"}},
      {"dilated", {"Conv"}},
      {"grouped", {"Conv"}},
      {"depthwise", {"Conv"}},
      {"transposed", {"ConvTranspose"}},
      {"shared", {"Conv", "Conv"}},
      {"relu", {"Relu"}},
      {"leaky", {"LeakyRelu"}},
      {"prelu", {"PRelu"}},
      {"preluOfOne", {"PRelu"}},
      {"sigmoid", {"Sigmoid"}},
      {"tanh", {"Tanh"}},
      {"gelu", {"Mul", "Erf", "Add", "Mul", "Mul"}},
      {"silu", {"Sigmoid", "Mul"}},
      {"softplus", {"Softplus"}},
      {"mish", {"Softplus", "Tanh", "Mul"}},
      {"power", {"Mul", "Add", "Pow"}},
      {"channelMean", {"ReduceMean", "Mul"}},
      {"softmax", {"Softmax"}},
      {"sum", {"GlobalAveragePool", "Mul", "Add"}},
      {"product", {"Sigmoid", "Mul"}},
      {"affine", {"Mul", "Add"}},
      {"shift", {"Add", "Mul"}},
      {"concat", {"Mul", "Concat"}},
      {"slice", {"Slice"}},
      {"shuffle", {"DepthToSpace"}},
      {"unshuffle", {"SpaceToDepth", "Gather"}},
      {"nearest", {"Resize"}},
      {"nearestLike", bilinear_like},
      {"bilinear", {"Resize"}},
      {"bicubic", {"Resize"}},
      {"imresize",
       {"Slice", "Slice", "Slice", "Slice", "Concat", "Slice", "Slice", "Slice", "Slice", "Concat", "Conv",
        "DepthToSpace"}},
      {"pad", {"Mul", "Pad"}},
      {"padMirrored", {"Mul", "Pad"}},
      {"resizeLike", bilinear_like},
      {"meanPool", {"AveragePool"}},
      {"maxPool", {"GlobalMaxPool"}},
      {"deviation", {"GlobalAveragePool", "Sub", "Mul", "GlobalAveragePool", "Sqrt"}},
      {"sampleDeviation",
       {"GlobalAveragePool", "Sub", "Mul", "GlobalAveragePool", "Shape", "Slice", "Cast", "ReduceProd", "Sub", "Div",
        "Mul", "Sqrt"}},
      {"norm", {"ReduceL2"}},
      {"adaptiveMaxPool", {"MaxPool"}},
      {"groupNorm", {"Reshape", "InstanceNormalization", "Shape", "Reshape", "Mul", "Add"}},
      {"learned", {"Mul", "Add"}},
      {"windowAttention", joined({scores, seen})},
      {"shiftedWindowAttention", joined({roll, scores, mask, seen, roll})},
      {"padToMultiple", {"Mul", "Shape", "Slice", "Mod", "Sub", "Mod", "Concat", "Pad"}},
      {"padToMultipleByZeros", {"Mul", "Shape", "Slice", "Mod", "Sub", "Mod", "Concat", "Pad"}},
      {"cutLike", {"Shape", "Slice", "Mod", "Sub", "Mod", "Concat", "Pad", "Resize", "Shape", "Slice", "Mul", "Slice"}},
      {"batchNorm", {"BatchNormalization"}},
      {"layerNorm", {"ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"}},
      {"instanceNorm", {"InstanceNormalization"}},
      {"haar", {"Conv", "Gather"}},
      {"haarBack", {"Gather", "ConvTranspose"}},
      {"matrixProduct", {"Transpose", "MatMul"}},
      {"plainMatrixProduct", {"Transpose", "MatMul", "MatMul"}},
  };
  return all;
}

// All but those without a counterpart, for which Onnx.RefusesCustomOperations.
std::vector<OperationCase> exportable_cases() {
  std::vector<OperationCase> cases = operation_cases();
  std::erase_if(cases, [](const OperationCase& item) { return std::string(item.name) == "custom"; });
  return cases;
}

class OnnxOperation : public testing::TestWithParam<OperationCase> {};
INSTANTIATE_TEST_SUITE_P(Onnx, OnnxOperation, testing::ValuesIn(exportable_cases()),
                         [](const auto& item) { return std::string(item.param.name); });

TEST_P(OnnxOperation, IsValidAndOfTheExpectedNodes) {
  const onnx::ModelProto model = exported(made_of(GetParam().build, GetParam().channels));
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  EXPECT_EQ(model.opset_import(0).version(), kOnnxOperatorSet);
  EXPECT_EQ(node_types(model), expected_types().at(GetParam().name));
  EXPECT_THAT(dims(model.graph().input(0)), ElementsAre(-1, GetParam().channels, -1, -1));
  EXPECT_EQ(model.graph().output(0).name(), "output");
}

// What ONNX infers for an input of a known size is the size that the graph gives.
TEST_P(OnnxOperation, ShapeIsThatOfTheGraph) {
  const Graph graph = made_of(GetParam().build, GetParam().channels);
  onnx::ModelProto model = exported(graph);
  auto& shape = *model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  const std::vector<int64_t> size{2, GetParam().channels, 12, 8};
  for (int i = 0; i < 4; ++i) shape.mutable_dim(i)->set_dim_value(size[static_cast<size_t>(i)]);
  const onnx::ShapeInferenceOptions strict(/*check_type=*/true, /*strict_mode=*/1, /*data_prop=*/true);
  ASSERT_NO_THROW(onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), strict));
  const Shape made = shapes_for(graph, 12, 8).back();
  const std::vector<int64_t> expected{2, made.channels, made.height, made.width};
  // The size of another image, of one that was in one line, and of padding by a remainder is known when the model runs;
  // newer versions of ONNX infer some of them sooner.
  const std::string name = GetParam().name;
  const bool when_run =
      name.ends_with("Like") || name.ends_with("Attention") || name == "groupNorm" || name.starts_with("padToMultiple");
  const std::vector<int64_t> unknown{-1, made.channels, -1, -1};
  EXPECT_THAT(dims(model.graph().output(0)), AnyOf(expected, when_run ? unknown : expected));
}

TEST(Onnx, HoldsTheParametersAndMetadata) {
  Graph graph;
  const Value input = graph.input(3);
  graph.output(graph.prelu("slopes", graph.conv("head", input, 8)), 1);
  const torch::Tensor parameters = random_parameters(graph, torch::kFloat32);
  const std::string bytes = to_onnx(graph, parameters, {"net", 0, false, {{"scale", "1"}, {"input", "RGB"}}});
  EXPECT_EQ(bytes, to_onnx(graph, parameters, {"net", 0, false, {{"scale", "1"}, {"input", "RGB"}}}));
  const onnx::ModelProto model = parsed(bytes);
  const onnx::TensorProto* const weight = constant(model, "head.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_THAT(weight->dims(), ElementsAre(8, 3, 3, 3));
  ASSERT_EQ(weight->raw_data().size(), 8U * 27U * 4U);
  EXPECT_EQ(std::memcmp(weight->raw_data().data(), parameters.data_ptr(), weight->raw_data().size()), 0);
  ASSERT_NE(constant(model, "slopes.weight"), nullptr);
  EXPECT_THAT(constant(model, "slopes.weight")->dims(), ElementsAre(8, 1, 1));
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(1).key(), "scale");
  EXPECT_EQ(model.graph().name(), "net");
}

TEST(Onnx, WritesTheChosenOutputAlone) {
  Graph graph;
  const Value x = graph.conv("head", graph.input(3), 8);
  graph.output(graph.shuffle(graph.conv("two", x, 12), 2), 2);
  graph.output(graph.shuffle(graph.conv("three", x, 27), 3), 3);
  const onnx::ModelProto model = exported(graph, {.scale = 3});
  EXPECT_NE(constant(model, "three.weight"), nullptr);
  EXPECT_EQ(constant(model, "two.weight"), nullptr);
  EXPECT_EQ(model.graph().output_size(), 1);
  EXPECT_THROW(exported(graph), OptionError);
  EXPECT_THROW(exported(graph, {.scale = 4}), OptionError);
}

TEST(Onnx, HalvesWeightsOfConvolutionsWhereTheyFit) {
  Graph graph;
  graph.output(graph.conv("b", graph.conv("a", graph.input(3), 8), 3), 1);
  torch::Tensor parameters = random_parameters(graph, torch::kFloat32);
  const Parameter& second = graph.parameters()[static_cast<size_t>(*graph.find("b.weight"))];
  parameters[second.offset] = 1e6;
  const onnx::ModelProto model = parsed(to_onnx(graph, parameters, {.network = "net", .half = true}));
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  EXPECT_THAT(node_types(model), ElementsAre("Cast", "Conv", "Conv"));
  EXPECT_EQ(constant(model, "a.weight.half")->data_type(), onnx::TensorProto::FLOAT16);
  EXPECT_EQ(constant(model, "a.bias")->data_type(), onnx::TensorProto::FLOAT);
  EXPECT_EQ(constant(model, "b.weight")->data_type(), onnx::TensorProto::FLOAT);
}

TEST(Onnx, RefusesCustomOperations) {
  Graph graph;
  const Custom custom{"window attention", [](const std::vector<Shape>& in) { return in[0]; },
                      [](const auto& in, const auto&) { return in[0]; }};
  graph.output(graph.custom(custom, {graph.input(3)}), 1);
  try {
    exported(graph, {.network = "somenet"});
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot export somenet"));
    EXPECT_THAT(error.what(), HasSubstr("'window attention'"));
  }
}

TEST(Onnx, PassesAnInputThatIsTheOutput) {
  Graph graph;
  graph.output(graph.input(3), 1);
  const onnx::ModelProto model = exported(graph);
  EXPECT_NO_THROW(onnx::checker::check_model(model));
  EXPECT_THAT(node_types(model), ElementsAre("Identity"));
}

}  // namespace
}  // namespace zsr::nn
