#include "nn/graph.h"

#include "core/error.h"
#include "nn/geometry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "nn/plan.h"
#include "tests/nn/operation_cases.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <gmock/gmock.h>

namespace zsr::nn {
namespace {

using testing::HasSubstr;

// Running statistics have no gradient.
void clear_statistics(const Graph& graph, torch::Tensor& values) {
  for (const Parameter& parameter : graph.parameters()) {
    if (!parameter.trained()) values.narrow(0, parameter.offset, parameter.count()).zero_();
  }
}

// The graph node by node, which uses none of the plans.
torch::Tensor by_nodes(const Model& model, const torch::Tensor& input, const torch::Tensor& parameters,
                       int64_t scale = 0) {
  const Graph& graph = model.graph();
  std::vector<torch::Tensor> values;
  for (const Node& node : graph.nodes()) {
    std::vector<torch::Tensor> images, own;
    for (const int32_t i : node.inputs) images.push_back(values[static_cast<size_t>(i)]);
    for (const int32_t i : node.parameters) own.push_back(model.view(parameters, i));
    const bool is_input = std::holds_alternative<Input>(node.operation);
    values.push_back(is_input ? input : run_by_torch(node.operation, images, own, false));
  }
  return values[static_cast<size_t>(graph.output_at(scale))];
}

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

class EveryOperation : public testing::TestWithParam<OperationCase> {};
INSTANTIATE_TEST_SUITE_P(Graph, EveryOperation, testing::ValuesIn(operation_cases()),
                         [](const auto& item) { return std::string(item.param.name); });

TEST_P(EveryOperation, GradientsAreThoseOfFiniteDifferences) {
  const Model model(made_of(GetParam().build, GetParam().channels));
  torch::manual_seed(3);
  torch::Tensor input = torch::randn({2, GetParam().channels, 8, 8}, torch::kFloat64).requires_grad_(true);
  torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat64).requires_grad_(true);
  const torch::Tensor made = model.forward({input}, parameters);
  torch::manual_seed(4);
  const torch::Tensor weights = torch::randn(made.sizes(), torch::kFloat64);
  (made * weights).sum().backward();
  constexpr double kStep = 1e-5;
  const torch::NoGradGuard no_grad;
  for (torch::Tensor* at : {&input, &parameters}) {
    if (at->numel() == 0) continue;
    torch::Tensor direction = torch::randn(at->sizes(), torch::kFloat64);
    if (at == &parameters) clear_statistics(model.graph(), direction);
    const torch::Tensor before = at->detach().clone();
    const auto value = [&](double step) {
      at->copy_(before + step * direction);
      return (model.forward({input}, parameters) * weights).sum().item<double>();
    };
    const double numeric = (value(kStep) - value(-kStep)) / (2.0 * kStep);
    at->copy_(before);
    const double exact = (at->grad() * direction).sum().item<double>();
    EXPECT_NEAR(exact, numeric, 1e-5 * std::max(1.0, std::abs(numeric)));
  }
}

TEST_P(EveryOperation, ShapeIsWhatItMakes) {
  const Model model(made_of(GetParam().build, GetParam().channels));
  const Shape shape = shapes_for(model.graph(), 12, 8).back();
  const torch::Tensor made =
      model.forward({torch::rand({1, GetParam().channels, 12, 8})}, random_parameters(model.graph(), torch::kFloat32));
  EXPECT_EQ(made.sizes(), at::IntArrayRef({1, shape.channels, shape.height, shape.width}));
}

// Everything that the epilogue of a convolution does, sums that it cannot do, and images that are used twice.
Value mixed(Graph& g, Value x) {
  const Value head = g.conv("head", g.shift(x, {-0.4F, -0.4F, -0.4F}), 16);
  Value trunk = head;
  for (const char* name : {"a", "b"}) {
    const std::string n(name);
    const Value y = g.relu(g.conv(n + "0", trunk, 16));
    trunk = trunk + g.conv(n + "1", y, 16) * 0.1;
  }
  trunk = head + g.conv("after", trunk, 16);
  const Value thin = g.prelu("slope", g.conv("thin", trunk, 16), 1);
  const Value late = thin + head;  // after the activation: not the epilogue's
  const Value gate = g.sigmoid(g.conv("gate", g.pool(late, Pooling::kMean), 16, {.side = 1}));
  const Value normal = g.leaky_relu(g.normalise("norm", g.conv("n", late * gate, 16), Norm::kBatch), 0.1);
  const Value up = g.relu(g.shuffle(g.conv("up", normal + late, 64), 2));
  return g.conv("last", up, 3) + g.nearest(x, 2);
}

// What light networks are made of: slices, concatenations, 1x1 and depthwise convolutions, attention of both kinds,
// every activation.
Value light(Graph& g, Value x) {
  const Value head = g.conv("head", g.concat({x, x}), 48, {.side = 1});
  const Value a = g.leaky_relu(g.conv("a", head, 64), 0.05);
  const Value again = g.relu(g.conv("again", g.concat({a, g.unshuffle(g.nearest(g.slice(a, 3, 19), 2), 2)}), 64));
  const Value kept = g.slice(again, 0, 16);
  const Value b = g.activation(Curve::kGelu, g.conv("b", g.slice(again, 16, 64), 24, {.side = 5, .groups = 1}) +
                                                 g.conv("c", g.slice(again, 16, 64), 24, {.side = 1}));
  const Value c = g.prelu("p", g.conv("d", g.conv("e", b, 24, {.groups = 24}), 25, {.side = 1}));
  const Value joined = g.concat({kept, b, c});  // no whole blocks: only for 1x1 convolutions
  const Value mixed_up = g.conv("f", joined, 48, {.side = 1}) + head;
  const Value wide = g.concat({mixed_up, head});
  const Value gate =
      g.sigmoid(g.conv("gate", g.pool(wide, Pooling::kMean) + g.pool(wide, Pooling::kDeviation), 96, {.side = 1}));
  const Value y = g.conv("h", wide * gate, 48, {.side = 3});
  const Value mask = g.sigmoid(g.conv("mask", g.activation(Curve::kSilu, y), 48, {.side = 1}));
  const Value odd = g.slice(y * mask, 5, 30);
  const Value z = g.activation(Curve::kTanh, g.conv("i", odd, 25, {.dilation = 2, .groups = 25})) * odd;
  const Value all = g.concat({g.shift(z, {0.5F, -0.25F}), g.affine(z, 1.0, 0.1), g.affine(z, -2.0, 0.0)});
  return g.conv("last", g.relu(g.conv("j", all, 16)) + g.conv("k", wide, 16), 3) + x;
}

TEST(Plan, GivesWhatTheNodesOfALightNetworkGive) {
  const Model model(made_of(light, 3));
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32) * 0.4;
  for (const int64_t batch : {1, 2}) {
    const torch::Tensor input = torch::rand({batch, 3, 21, 18});
    const torch::NoGradGuard no_grad;
    EXPECT_LT(difference(model.forward({input}, parameters), by_nodes(model, input, parameters)), 1e-4);
  }
}

TEST(Plan, GradientsAreThoseOfTheNodesOfALightNetwork) {
  const Model model(made_of(light, 3));
  torch::Tensor input = torch::rand({2, 3, 13, 16}).requires_grad_(true);
  torch::Tensor parameters = (random_parameters(model.graph(), torch::kFloat32) * 0.4).requires_grad_(true);
  model.forward({input}, parameters).square().sum().backward();
  const torch::Tensor fast = parameters.grad().clone();
  const torch::Tensor fast_input = input.grad().clone();
  parameters.mutable_grad().zero_();
  input.mutable_grad().zero_();
  by_nodes(model, input, parameters).square().sum().backward();
  EXPECT_LT(difference(fast_input, input.grad()), 1e-3);
  for (const Parameter& parameter : model.graph().parameters()) {
    const auto own = [&](const torch::Tensor& all) { return all.narrow(0, parameter.offset, parameter.count()); };
    EXPECT_LT(difference(own(fast), own(parameters.grad())), 1e-3) << parameter.name;
  }
}

TEST(Plan, GivesWhatTheNodesGive) {
  Graph graph;
  graph.output(mixed(graph, graph.input(3)), 2);
  const Model model(std::move(graph));
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32);
  const torch::Tensor input = torch::rand({2, 3, 21, 18});
  const torch::NoGradGuard no_grad;
  EXPECT_LT(difference(model.forward({input}, parameters), by_nodes(model, input, parameters)), 1e-4);
}

TEST(Plan, GradientsAreThoseOfTheNodes) {
  Graph graph;
  graph.output(mixed(graph, graph.input(3)), 2);
  const Model model(std::move(graph));
  const torch::Tensor input = torch::rand({2, 3, 13, 16});
  torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32).requires_grad_(true);
  model.forward({input}, parameters).square().sum().backward();
  const torch::Tensor fast = parameters.grad().clone();
  parameters.mutable_grad().zero_();
  by_nodes(model, input, parameters).square().sum().backward();
  EXPECT_LT(difference(fast, parameters.grad()), 1e-3);
}

TEST(Plan, ResidualNetworkIsOnlyLayers) {
  Graph graph;
  const Value x = graph.input(3);
  const Value head = graph.conv("head", x, 16);
  Value trunk = head;
  for (const char* name : {"a", "b", "c"}) {
    const std::string n(name);
    trunk = trunk + graph.conv(n + "1", graph.relu(graph.conv(n + "0", trunk, 16)), 16) * 0.1;
  }
  graph.output(graph.conv("last", graph.shuffle(graph.conv("up", head + graph.conv("body", trunk, 16), 64), 2), 3), 2);
  for (const bool differentiable : {false, true}) {
    const Plan plan = make_plan(graph, graph.output_at(2), differentiable);
    EXPECT_EQ(plan.steps.size(), 10U);  // the convolutions
    for (const PlanStep& step : plan.steps) EXPECT_TRUE(step.layer.has_value());
  }
}

// A U with residual blocks, as USRNet's prior is: sums that go into images which nothing needs any more, beside one
// that is needed later.
Value hourglass(Graph& g, Value x) {
  const Graph::ConvOptions pairs{.side = 2, .stride = 2, .padding = 0, .bias = false};
  const auto block = [&](const std::string& name, Value y, int64_t width) {
    return y + g.conv(name + "1", g.relu(g.conv(name + "0", y, width)), width);
  };
  const Value head = g.conv("head", x, 24);
  const Value low = g.conv("down", block("b", block("a", head, 24), 24), 32, pairs);
  const Convolution apart{.side = 2, .stride = 2, .padding = 0, .bias = false};
  const Value up = g.transposed_conv("up", block("d", block("c", low, 32), 32) + low, 24, apart);
  return g.conv("tail", block("e", up, 24) + head, 3);
}

TEST(Plan, GivesWhatTheNodesOfAnHourglassGive) {
  const Model model(made_of(hourglass, 4));
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32);
  for (const bool differentiable : {false, true}) {
    const Plan plan = make_plan(model.graph(), model.graph().output_at(0), differentiable);
    const auto by_torch = std::count_if(plan.steps.begin(), plan.steps.end(),
                                        [](const PlanStep& step) { return !step.layer.has_value(); });
    EXPECT_EQ(by_torch, differentiable ? 2 : 0);  // what pairs of pixels has no gradient in the blocked layout
  }
  for (const int64_t batch : {1, 2}) {
    const torch::Tensor input = torch::rand({batch, 4, 22, 18});
    const torch::NoGradGuard no_grad;
    EXPECT_LT(difference(model.forward({input}, parameters), by_nodes(model, input, parameters)), 1e-4);
  }
}

TEST(Plan, AnImageThatIsUsedTwiceIsKept) {
  Graph graph;
  const Value a = graph.conv("a", graph.input(3), 16);
  const Value b = graph.conv("b", a, 16);
  graph.output(b * graph.sigmoid(a), 1);
  const Model model(std::move(graph));
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32);
  const torch::Tensor input = torch::rand({1, 3, 9, 9});
  EXPECT_EQ(make_plan(model.graph(), model.graph().output_at(0), false).steps.size(), 3U);
  const torch::NoGradGuard no_grad;
  EXPECT_LT(difference(model.forward({input}, parameters), by_nodes(model, input, parameters)), 1e-4);
}

TEST(Graph, OutputsShareATrunk) {
  Graph graph;
  const Value trunk = graph.conv("trunk", graph.input(3), 16);
  for (const int64_t scale : {2, 3}) {
    graph.output(graph.shuffle(graph.conv("tail.x" + std::to_string(scale), trunk, 3 * scale * scale), scale), scale);
  }
  const Model model(std::move(graph));
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32);
  EXPECT_EQ(model.forward({torch::rand({1, 3, 8, 8})}, parameters, 3).size(3), 24);
  EXPECT_EQ(model.graph().scales(), (std::vector<int64_t>{2, 3}));
  EXPECT_THROW(model.forward({torch::rand({1, 3, 8, 8})}, parameters, 4), OptionError);
  // A gradient at one scale leaves the other's output alone.
  torch::Tensor leaf = parameters.clone().requires_grad_(true);
  model.forward({torch::rand({1, 3, 8, 8})}, leaf, 2).sum().backward();
  const Parameter& other = model.graph().parameters()[static_cast<size_t>(*model.graph().find("tail.x3.weight"))];
  EXPECT_EQ(leaf.grad().narrow(0, other.offset, other.count()).abs().max().item<float>(), 0.0F);
}

TEST(Graph, RefusesWhatCannotBe) {
  const auto message = [](const Build& build) {
    try {
      made_of(build, 6);
    } catch (const OptionError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message([](Graph& g, Value x) { return g.conv("body.3", x, 8, {.groups = 4}); }), HasSubstr("body.3"));
  EXPECT_THAT(message([](Graph& g, Value x) { return g.shuffle(x, 2); }), HasSubstr("multiple of 4 channels, not 6"));
  EXPECT_THAT(message([](Graph& g, Value x) { return x + g.slice(x, 0, 2); }), HasSubstr("sum of"));
  EXPECT_THAT(message([](Graph& g, Value x) { return g.slice(x, 4, 7); }), HasSubstr("4 to 7 of 6"));
  EXPECT_THAT(message([](Graph& g, Value x) { return g.conv("a", g.conv("a", x, 6), 6); }), HasSubstr("'a.weight'"));
}

TEST(Geometry, RadiusIsHowFarAChangedPixelShows) {
  const Build build = [](Graph& g, Value x) {
    const Value a = g.relu(g.conv("a", x, 4, {.side = 5}));
    return g.conv("c", g.shuffle(g.conv("b", a, 12, {.side = 3, .dilation = 2}), 2), 3);
  };
  const Model model(made_of(build, 3));
  const int64_t radius = receptive_radius(model.graph()).value();
  const torch::Tensor parameters = random_parameters(model.graph(), torch::kFloat32).abs();
  torch::Tensor input = torch::zeros({1, 3, 41, 41});
  const torch::NoGradGuard no_grad;
  const torch::Tensor before = model.forward({input}, parameters);
  input[0][0][20][20] = 1.0;
  const torch::Tensor changed = (model.forward({input}, parameters) - before).abs().sum({0, 1, 2}).gt(1e-6).nonzero();
  const int64_t farthest = 20 - changed.min().item<int64_t>() / 2;
  EXPECT_GE(radius, farthest);
  EXPECT_LE(radius, farthest + 1);
}

TEST(Geometry, GlobalPoolingSeesTheWholePhoto) {
  const auto pooled = [](Graph& g, Value x) { return x * g.pool(x, Pooling::kMean); };
  EXPECT_FALSE(receptive_radius(made_of(pooled, 3)).has_value());
}

TEST(Geometry, CountsMultiplications) {
  Graph graph;
  graph.output(graph.conv("b", graph.shuffle(graph.conv("a", graph.input(3), 16), 2), 3), 2);
  EXPECT_EQ(cost_of(graph, 0, 10, 20).multiplications, 200.0 * (3 * 16 * 9) + 800.0 * (4 * 3 * 9));
}

TEST(ParameterFile, RoundTripsInTheUnitsOfTheFile) {
  Graph graph;
  graph.bias_unit(255.0);
  graph.output(graph.conv("b", graph.prelu("p", graph.conv("a", graph.input(3), 4)), 3), 1);
  const torch::Tensor values = random_parameters(graph, torch::kFloat32);
  const WeightsFile file = to_weights(graph, values);
  EXPECT_TRUE(torch::allclose(take_parameters(graph, file, "a network"), values));
  EXPECT_TRUE(torch::allclose(*file.find("a.bias"), values.narrow(0, 4 * 3 * 9, 4) * 255.0));
}

TEST(ParameterFile, NamesTheFirstDifferences) {
  Graph graph;
  graph.output(graph.conv("b", graph.conv("a", graph.input(3), 4), 3), 1);
  WeightsFile file = to_weights(graph, torch::zeros({graph.parameter_count()}));
  file.origin = "some.pth";
  file.tensors.erase(file.tensors.begin() + 1);  // a.bias
  file.tensors.push_back({"extra", torch::zeros({1})});
  file.tensors.push_back({"mean.weight", torch::zeros({1})});
  try {
    take_parameters(graph, file, "a network", {"mean."});
    FAIL();
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_THAT(text, HasSubstr("some.pth"));
    EXPECT_THAT(text, HasSubstr("no 'a.bias'"));
    EXPECT_THAT(text, HasSubstr("'extra' has no place"));
    EXPECT_THAT(text, testing::Not(HasSubstr("mean.weight")));
  }
}

}  // namespace
}  // namespace zsr::nn
