#include "nn/execution.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

namespace zsr::nn {
namespace {

using blocked::Image;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What a change of layout carries from forward to backward.
struct Layout : torch::CustomClassHolder {
  std::shared_ptr<LayerEngine> engine;
  winograd::ImageShape shape;

  torch::Tensor to_blocked(const torch::Tensor& x) {
    const std::lock_guard lock(engine->mutex);
    const Image image = engine->layers.from_plain(x);
    shape = image.shape;
    return image.data;
  }
  torch::Tensor to_plain(const torch::Tensor& x) const {
    return blocked::Layers::to_plain({x.detach().contiguous(), shape, 0});
  }
};
using LayoutPtr = c10::intrusive_ptr<Layout>;

Layout& layout_of(AutogradContext* context) {
  return *static_cast<Layout*>(context->saved_data["layout"].toCapsule().get());
}

struct ToBlocked : torch::autograd::Function<ToBlocked> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const LayoutPtr& layout) {
    context->saved_data["layout"] = c10::IValue::make_capsule(layout);
    return layout->to_blocked(x);
  }
  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    return {layout_of(context).to_plain(gradients[0]), {}};
  }
};

struct ToPlain : torch::autograd::Function<ToPlain> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const LayoutPtr& layout) {
    context->saved_data["layout"] = c10::IValue::make_capsule(layout);
    return layout->to_plain(x);
  }
  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    return {layout_of(context).to_blocked(gradients[0]), {}};
  }
};

// Consecutive layers, and what their gradients need.
struct Group : torch::CustomClassHolder {
  std::shared_ptr<LayerEngine> engine;
  std::shared_ptr<const Plan> plan;  // keeps the steps
  std::vector<const PlanStep*> steps;
  std::vector<LayerTensors> own;
  std::map<int32_t, Image> values;
  std::vector<int32_t> inputs, needed, outputs;
};
using GroupPtr = c10::intrusive_ptr<Group>;

struct LayersFunction : torch::autograd::Function<LayersFunction> {
  // `tensors`: the inputs in the blocked layout, then the parameters; the group has them as well.
  static tensor_list forward(AutogradContext* context, at::TensorList tensors, const GroupPtr& group) {
    context->saved_data["group"] = c10::IValue::make_capsule(group);
    context->saved_data["count"] = static_cast<int64_t>(tensors.size());
    const std::lock_guard lock(group->engine->mutex);
    const ImageOfNode value = [&](int32_t node) { return group->values.at(node); };
    for (size_t i = 0; i < group->steps.size(); ++i) {
      const PlanStep& step = *group->steps[i];
      group->values[step.result] = run_layer(group->engine->layers, *step.layer, group->own[i], value);
    }
    tensor_list made;
    // Other tensors than those that are kept: those would keep the function that keeps them.
    for (const int32_t node : group->outputs) made.push_back(group->values.at(node).data.detach());
    return made;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& from_behind) {
    TORCH_CHECK(!torch::GradMode::is_enabled(), "the fast layers have no second derivative");
    const auto capsule = context->saved_data["group"].toCapsule();
    Group& group = *static_cast<Group*>(capsule.get());
    TORCH_CHECK(!group.values.empty(), "backward was called twice for one forward");
    const std::lock_guard lock(group.engine->mutex);
    LayerGradients pass(group.engine->layers, group.steps, group.own, group.values, group.needed);
    for (size_t i = 0; i < group.outputs.size(); ++i) {
      if (!from_behind[i].defined()) continue;
      pass.give(group.outputs[i], {from_behind[i].contiguous(), group.values.at(group.outputs[i]).shape, 0});
    }
    const std::vector<LayerTensors> gradients = pass.run();
    tensor_list result;
    for (const int32_t node : group.inputs) {
      const bool asked = std::find(group.needed.begin(), group.needed.end(), node) != group.needed.end();
      result.push_back(asked ? pass.of(node).data : torch::Tensor());
    }
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (group.own[i].weight.defined()) result.push_back(gradients[i].weight);
      if (group.own[i].bias.defined()) result.push_back(gradients[i].bias);
      if (group.own[i].slope.defined()) result.push_back(gradients[i].slope);
    }
    result.emplace_back();
    group.values.clear();
    return result;
  }
};

// Whether the second input only says how large the result is.
bool reads_size_only(const Operation& operation) {
  return std::holds_alternative<Resize>(operation) || std::holds_alternative<CutTo>(operation);
}

}  // namespace

Execution::Execution(const Graph& graph, std::shared_ptr<const Plan> plan, const Pieces& pieces,
                     std::shared_ptr<LayerEngine> engine, bool differentiable, bool training)
    : graph_(graph),
      plan_(std::move(plan)),
      pieces_(pieces),
      engine_(std::move(engine)),
      differentiable_(differentiable),
      training_(training),
      values_(graph.nodes().size()) {}

torch::Tensor Execution::plain(int32_t node) {
  Value& value = at(node);
  if (value.plain.defined()) return value.plain;
  if (plan_->virtual_nodes[static_cast<size_t>(node)]) {
    std::vector<torch::Tensor> images;
    for (const int32_t input : graph_.node(node).inputs) images.push_back(plain(input));
    return run_by_torch(graph_.node(node).operation, images, {}, training_);
  }
  const auto layout = c10::make_intrusive<Layout>();
  layout->engine = engine_;
  layout->shape = value.image.shape;
  value.plain = differentiable_ ? ToPlain::apply(value.image.data, layout) : layout->to_plain(value.image.data);
  return value.plain;
}

const Image& Execution::image(int32_t node) {
  Value& value = at(node);
  if (value.image.defined()) return value.image;
  const auto layout = c10::make_intrusive<Layout>();
  layout->engine = engine_;
  value.image.data = differentiable_ ? ToBlocked::apply(value.plain, layout) : layout->to_blocked(value.plain);
  value.image.shape = layout->shape;
  return value.image;
}

void Execution::forget(const PlanStep& step) {
  for (const int32_t node : step.last_uses) at(node) = {};
}

// As large as the node's value, with nothing in it.
torch::Tensor Execution::like(int32_t node) {
  const Value& value = at(node);
  if (value.plain.defined()) return value.plain;
  if (plan_->virtual_nodes[static_cast<size_t>(node)]) return plain(node);
  const winograd::ImageShape& shape = value.image.shape;
  return torch::zeros({1}).expand({shape.batch, shape.channels, shape.height, shape.width});
}

void Execution::run_node(const PlanStep& step) {
  const Node& node = graph_.node(step.result);
  std::vector<torch::Tensor> images;
  for (const int32_t input : node.inputs) {
    const bool only_size = images.size() == 1 && reads_size_only(node.operation);
    images.push_back(only_size ? like(input) : plain(input));
  }
  at(step.result).plain = run_by_torch(node.operation, images, pieces_.of(node), training_);
}

// Where the step adds an image that nothing needs any more: that image, for the result to go there, which is one large
// image less at a time.
Image Execution::place_of(const PlanStep& step) {
  const PlannedLayer& layer = *step.layer;
  if (layer.add.size() != 1) return {};
  const Part& part = layer.add.front();
  const auto is_part = [&](const Part& other) { return other.node == part.node; };
  const bool read = std::any_of(layer.from.begin(), layer.from.end(), is_part) ||
                    std::any_of(layer.times.begin(), layer.times.end(), is_part);
  const bool last = std::find(step.last_uses.begin(), step.last_uses.end(), part.node) != step.last_uses.end();
  // What is put together of several images is there before the sum.
  const bool gathers = layer.kind == PlannedLayer::Kind::kFinish && layer.from.size() > 1;
  const Image& image = at(part.node).image;
  const bool whole = part.first == 0 && part.channels == image.shape.channels && image.shape.whole == 0;
  return last && !read && !gathers && whole ? image : Image{};
}

void Execution::run_alone(const PlanStep& step) {
  for (const int32_t node : nodes_read(graph_, *plan_, step)) image(node);
  const Image to = place_of(step);
  const LayerTensors own = pieces_.of(*step.layer);
  const std::lock_guard lock(engine_->mutex);
  at(step.result).image = run_layer(
      engine_->layers, *step.layer, own, [this](int32_t node) { return at(node).image; }, to);
}

// Nodes that steps [first, end) make and others read.
std::vector<int32_t> Execution::used_later(size_t first, size_t end) const {
  std::set<int32_t> later(outputs_.begin(), outputs_.end());
  for (size_t i = end; i < plan_->steps.size(); ++i) {
    for (const int32_t node : nodes_read(graph_, *plan_, plan_->steps[i])) later.insert(node);
  }
  std::vector<int32_t> made;
  for (size_t i = first; i < end; ++i) {
    if (later.count(plan_->steps[i].result) != 0) made.push_back(plan_->steps[i].result);
  }
  return made;
}

// The layers from step `first` on as one function; where they end.
size_t Execution::run_group(size_t first) {
  const auto group = c10::make_intrusive<Group>();
  group->engine = engine_;
  group->plan = plan_;
  size_t end = first;
  std::set<int32_t> made;
  tensor_list tensors, parameters;
  for (; end < plan_->steps.size() && plan_->steps[end].layer; ++end) {
    const PlanStep& step = plan_->steps[end];
    for (const int32_t node : nodes_read(graph_, *plan_, step)) {
      if (made.count(node) != 0 || group->values.count(node) != 0) continue;
      const Image& input = image(node);
      group->inputs.push_back(node);
      if (input.data.requires_grad()) group->needed.push_back(node);
      group->values[node] = {input.data.detach(), input.shape, 0};
      tensors.push_back(input.data);
    }
    made.insert(step.result);
    group->steps.push_back(&step);
    const LayerTensors own = pieces_.of(*step.layer);
    LayerTensors kept;
    const auto keep = [&](const torch::Tensor& from, torch::Tensor& to) {
      if (!from.defined()) return;
      parameters.push_back(from);
      to = from.detach().contiguous();
    };
    keep(own.weight, kept.weight);
    keep(own.bias, kept.bias);
    keep(own.slope, kept.slope);
    group->own.push_back(kept);
  }
  group->outputs = used_later(first, end);
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  const tensor_list results = LayersFunction::apply(at::TensorList(tensors), group);
  for (size_t i = 0; i < results.size(); ++i) {
    const int32_t node = group->outputs[i];
    at(node).image = {results[i], group->values.at(node).shape, 0};
  }
  return end;
}

std::vector<torch::Tensor> Execution::run(const std::vector<torch::Tensor>& inputs,
                                          const std::vector<int32_t>& outputs) {
  outputs_ = outputs;
  size_t given = 0;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (std::holds_alternative<Input>(graph_.nodes()[i].operation)) values_[i].plain = inputs.at(given++);
  }
  const auto& steps = plan_->steps;
  for (size_t i = 0; i < steps.size();) {
    const size_t first = i;
    if (!steps[i].layer) {
      run_node(steps[i++]);
    } else if (differentiable_) {
      i = run_group(i);
    } else {
      run_alone(steps[i++]);
    }
    for (size_t k = first; k < i; ++k) forget(steps[k]);
  }
  std::vector<torch::Tensor> results;
  for (const int32_t output : outputs) results.push_back(plain(output));
  return results;
}

}  // namespace zsr::nn
