#include "core/conv/onednn_chain.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace zsr::onednn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;
constexpr auto kFloat = memory::data_type::f32;
constexpr int64_t kBlock = 16;  // channels per block of nChw16c

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& cpu_stream() {
  static thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

int64_t round_up(int64_t channels) {
  return (channels + kBlock - 1) / kBlock * kBlock;
}

// oneDNN's first-layer kernels read up to 3 plain channels; more are padded to whole blocks.
bool reads_plain(int64_t channels) {
  return channels <= 3;
}

struct Shape {
  int64_t batch, height, width;
  auto operator<=>(const Shape&) const = default;
};

algorithm algorithm_of(ConvBackend backend) {
  return backend == ConvBackend::kWinograd ? algorithm::convolution_winograd : algorithm::convolution_direct;
}

// Primitives and layouts of one layer for one image size. Backward parts are made on first use.
struct LayerPlan {
  int64_t in, out;  // channels as computed, padded
  bool has_bias, relu;
  memory::desc source, target, weight_any, bias;
  memory::dims stride{1, 1}, padding{1, 1};
  algorithm kind;
  dnnl::convolution_forward::primitive_desc forward_desc;
  dnnl::convolution_forward forward;
  dnnl::convolution_backward_data::primitive_desc data_desc;
  dnnl::convolution_backward_data data;
  dnnl::convolution_backward_weights::primitive_desc weights_desc;
  dnnl::convolution_backward_weights weights;

  LayerPlan(const ConvLayer& layer, const Shape& shape, ConvBackend backend, bool first, bool training)
      : in(first && reads_plain(layer.in_channels) ? layer.in_channels : round_up(layer.in_channels)),
        out(round_up(layer.out_channels)),
        has_bias(layer.bias),
        relu(layer.relu),
        source({shape.batch, in, shape.height, shape.width}, kFloat, in % kBlock == 0 ? Tag::nChw16c : Tag::nchw),
        target({shape.batch, out, shape.height, shape.width}, kFloat, Tag::nChw16c),
        weight_any({out, in, 3, 3}, kFloat, Tag::any),
        kind(algorithm::convolution_direct) {
    if (has_bias) bias = memory::desc({out}, kFloat, Tag::x);
    if (in % kBlock == 0 && make_forward(algorithm_of(backend), training)) return;
    if (!make_forward(algorithm::convolution_direct, training))
      throw std::runtime_error("oneDNN has no convolution here");
  }

  bool make_forward(algorithm wanted, bool training) {
    dnnl::primitive_attr attributes;
    if (relu) {
      dnnl::post_ops operations;
      operations.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
      attributes.set_post_ops(operations);
    }
    try {
      forward_desc =
          dnnl::convolution_forward::primitive_desc(forward_operation(wanted, training), attributes, cpu_engine());
      forward = dnnl::convolution_forward(forward_desc);
      kind = wanted;
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }

  dnnl::convolution_forward::desc forward_operation(algorithm wanted, bool training) const {
    const auto purpose = training ? prop_kind::forward_training : prop_kind::forward_inference;
    if (!has_bias) return {purpose, wanted, source, weight_any, target, stride, padding, padding};
    return {purpose, wanted, source, weight_any, bias, target, stride, padding, padding};
  }

  void make_weights_backward() {
    if (weights) return;
    const dnnl::convolution_forward::primitive_desc hint(forward_operation(kind, true), cpu_engine());
    using Operation = dnnl::convolution_backward_weights::desc;
    const Operation operation = has_bias ? Operation(kind, source, weight_any, bias, target, stride, padding, padding)
                                         : Operation(kind, source, weight_any, target, stride, padding, padding);
    weights_desc = dnnl::convolution_backward_weights::primitive_desc(operation, cpu_engine(), hint);
    weights = dnnl::convolution_backward_weights(weights_desc);
  }

  void make_data_backward() {
    if (data) return;
    // Only reached for blocked sources or for the input of the whole chain; the latter may be plain.
    const dnnl::convolution_forward::primitive_desc hint(forward_operation(kind, true), cpu_engine());
    data_desc = dnnl::convolution_backward_data::primitive_desc(
        {kind, source, weight_any, target, stride, padding, padding}, cpu_engine(), hint);
    data = dnnl::convolution_backward_data(data_desc);
  }
};

struct Plan {
  Shape shape;
  std::vector<LayerPlan> layers;
};

memory wrap(const memory::desc& layout, const torch::Tensor& tensor) {
  return {layout, cpu_engine(), tensor.data_ptr<float>()};
}

torch::Tensor buffer_for(const memory::desc& layout) {
  return torch::empty({static_cast<int64_t>(layout.get_size() / sizeof(float))}, torch::kFloat32);
}

void reorder(memory& from, memory& to) {
  dnnl::reorder(from, to).execute(cpu_stream(), from, to);
}

// `weight` [out, in, 3, 3] with zero channels added up to the plan's counts; the same tensor when none are needed.
torch::Tensor padded_weight(const torch::Tensor& weight, const LayerPlan& plan) {
  const int64_t more_out = plan.out - weight.size(0);
  const int64_t more_in = plan.in - weight.size(1);
  if (more_out == 0 && more_in == 0) return weight.contiguous();
  return torch::constant_pad_nd(weight, {0, 0, 0, 0, 0, more_in, 0, more_out});
}

torch::Tensor padded_channels(const torch::Tensor& image, int64_t channels) {
  if (image.size(1) == channels) return image.contiguous();
  return torch::constant_pad_nd(image, {0, 0, 0, 0, 0, channels - image.size(1)});
}

memory weight_memory(const torch::Tensor& weight, const LayerPlan& plan, const memory::desc& wanted,
                     torch::Tensor& keep_plain) {
  keep_plain = padded_weight(weight, plan);
  memory plain = wrap(memory::desc({plan.out, plan.in, 3, 3}, kFloat, Tag::oihw), keep_plain);
  memory blocked(wanted, cpu_engine());
  reorder(plain, blocked);
  return blocked;
}

// gradient[i] = 0 where the ReLU was closed.
__attribute__((target_clones("avx512f", "avx2", "default"))) void mask_closed(const float* activation, float* gradient,
                                                                              int64_t count) {
  for (int64_t i = 0; i < count; ++i) gradient[i] = activation[i] > 0.0F ? gradient[i] : 0.0F;
}

void mask_closed(const torch::Tensor& activation, torch::Tensor& gradient) {
  const float* from = activation.data_ptr<float>();
  float* to = gradient.data_ptr<float>();
  at::parallel_for(0, gradient.numel(), 1 << 16,
                   [&](int64_t begin, int64_t end) { mask_closed(from + begin, to + begin, end - begin); });
}

}  // namespace

struct Chain::Activations {
  Shape shape{};
  torch::Tensor input;                 // what the first layer read
  std::vector<torch::Tensor> outputs;  // blocked, after the ReLU
};

struct Chain::Impl {
  std::vector<ConvLayer> layers;
  ConvBackend backend;
  std::map<std::tuple<Shape, bool>, std::unique_ptr<Plan>> plans;
  std::vector<std::shared_ptr<Activations>> spare;  // of finished training passes
  std::array<torch::Tensor, 2> scratch;             // of inference and of the running gradient

  Plan& plan_for(const Shape& shape, bool training) {
    auto& plan = plans[{shape, training}];
    if (!plan) {
      // Tiles at borders come in a few sizes; what piles up beyond that is dropped.
      if (plans.size() > 24) {
        plans.clear();
        return plan_for(shape, training);
      }
      plan = std::make_unique<Plan>();
      plan->shape = shape;
      for (size_t i = 0; i < layers.size(); ++i) plan->layers.emplace_back(layers[i], shape, backend, i == 0, training);
    }
    return *plan;
  }

  torch::Tensor& scratch_of(size_t which, int64_t count) {
    torch::Tensor& buffer = scratch[which];
    if (!buffer.defined() || buffer.numel() < count) buffer = torch::empty({count}, torch::kFloat32);
    return buffer;
  }

  std::shared_ptr<Activations> take_activations(const Plan& plan) {
    for (auto& candidate : spare) {
      if (candidate && candidate->shape == plan.shape) {
        auto found = std::move(candidate);
        candidate = std::move(spare.back());
        spare.pop_back();
        return found;
      }
    }
    auto fresh = std::make_shared<Activations>();
    fresh->shape = plan.shape;
    for (const LayerPlan& layer : plan.layers) fresh->outputs.push_back(buffer_for(layer.target));
    return fresh;
  }

  torch::Tensor first_source(const torch::Tensor& input, const LayerPlan& layer) {
    torch::Tensor plain = padded_channels(input, layer.in);
    if (reads_plain(layer.in)) return plain;
    torch::Tensor blocked = buffer_for(layer.source);
    memory from = wrap(memory::desc(layer.source.dims(), kFloat, Tag::nchw), plain);
    memory to = wrap(layer.source, blocked);
    reorder(from, to);
    return blocked;
  }

  void run_layer(const LayerPlan& layer, const torch::Tensor& weight, const torch::Tensor& bias,
                 const torch::Tensor& from, const torch::Tensor& to) {
    torch::Tensor plain;
    memory weights = weight_memory(weight, layer, layer.forward_desc.weights_desc(), plain);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, wrap(layer.source, from)}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, wrap(layer.target, to)}};
    torch::Tensor padded_bias;
    if (layer.has_bias) {
      padded_bias = torch::constant_pad_nd(bias, {0, layer.out - bias.size(0)}).contiguous();
      arguments.emplace(DNNL_ARG_BIAS, wrap(layer.bias, padded_bias));
    }
    layer.forward.execute(cpu_stream(), arguments);
  }

  torch::Tensor plain_output(const Plan& plan, const torch::Tensor& blocked) {
    const LayerPlan& last = plan.layers.back();
    torch::Tensor output =
        torch::empty({plan.shape.batch, last.out, plan.shape.height, plan.shape.width}, torch::kFloat32);
    memory from = wrap(last.target, blocked);
    memory to = wrap(memory::desc(last.target.dims(), kFloat, Tag::nchw), output);
    reorder(from, to);
    return output.narrow(1, 0, layers.back().out_channels);
  }
};

Chain::Chain(std::vector<ConvLayer> layers, ConvBackend backend) : impl_(std::make_unique<Impl>()) {
  impl_->layers = std::move(layers);
  impl_->backend = backend;
}

Chain::~Chain() = default;

torch::Tensor Chain::infer(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                           const std::vector<torch::Tensor>& biases) {
  const torch::NoGradGuard no_grad;
  const Plan& plan = impl_->plan_for({input.size(0), input.size(2), input.size(3)}, false);
  torch::Tensor current = impl_->first_source(input, plan.layers.front());
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    const LayerPlan& layer = plan.layers[i];
    const auto count = static_cast<int64_t>(layer.target.get_size() / sizeof(float));
    const torch::Tensor next = impl_->scratch_of(i % 2, count);
    impl_->run_layer(layer, weights[i], biases[i], current, next);
    current = next;
  }
  torch::Tensor output = impl_->plain_output(plan, current);
  cpu_stream().wait();
  return output;
}

torch::Tensor Chain::forward(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                             const std::vector<torch::Tensor>& biases, std::shared_ptr<Activations>& activations) {
  const torch::NoGradGuard no_grad;
  const Plan& plan = impl_->plan_for({input.size(0), input.size(2), input.size(3)}, true);
  activations = impl_->take_activations(plan);
  activations->input = impl_->first_source(input, plan.layers.front());
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    impl_->run_layer(plan.layers[i], weights[i], biases[i], i == 0 ? activations->input : activations->outputs[i - 1],
                     activations->outputs[i]);
  }
  torch::Tensor output = impl_->plain_output(plan, activations->outputs.back());
  cpu_stream().wait();
  return output;
}

torch::Tensor Chain::backward(const torch::Tensor& gradient, const std::vector<torch::Tensor>& weights,
                              const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                              std::vector<torch::Tensor>& weight_gradients,
                              std::vector<torch::Tensor>& bias_gradients) {
  const torch::NoGradGuard no_grad;
  Plan& plan = impl_->plan_for(activations->shape, true);
  const LayerPlan& last = plan.layers.back();
  torch::Tensor current = buffer_for(last.target);
  {
    torch::Tensor plain = padded_channels(gradient, last.out);
    memory from = wrap(memory::desc(last.target.dims(), kFloat, Tag::nchw), plain);
    memory to = wrap(last.target, current);
    reorder(from, to);
  }
  for (size_t i = plan.layers.size(); i-- > 0;) {
    LayerPlan& layer = plan.layers[i];
    if (layer.relu) mask_closed(activations->outputs[i], current);
    layer.make_weights_backward();
    const torch::Tensor& source = i == 0 ? activations->input : activations->outputs[i - 1];
    memory blocked_gradient(layer.weights_desc.diff_weights_desc(), cpu_engine());
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, wrap(layer.source, source)},
                                              {DNNL_ARG_DIFF_DST, wrap(layer.target, current)},
                                              {DNNL_ARG_DIFF_WEIGHTS, blocked_gradient}};
    torch::Tensor bias_gradient;
    if (layer.has_bias) {
      bias_gradient = torch::empty({layer.out}, torch::kFloat32);
      arguments.emplace(DNNL_ARG_DIFF_BIAS, wrap(layer.bias, bias_gradient));
    }
    layer.weights.execute(cpu_stream(), arguments);
    torch::Tensor plain_gradient = torch::empty({layer.out, layer.in, 3, 3}, torch::kFloat32);
    memory plain = wrap(memory::desc({layer.out, layer.in, 3, 3}, kFloat, Tag::oihw), plain_gradient);
    reorder(blocked_gradient, plain);
    cpu_stream().wait();
    weight_gradients[i].copy_(
        plain_gradient.narrow(0, 0, weight_gradients[i].size(0)).narrow(1, 0, weight_gradients[i].size(1)));
    if (layer.has_bias) bias_gradients[i].copy_(bias_gradient.narrow(0, 0, bias_gradients[i].size(0)));

    if (i == 0 && !needs_input_gradient) break;
    layer.make_data_backward();
    torch::Tensor keep;
    memory blocked_weights = weight_memory(weights[i], layer, layer.data_desc.weights_desc(), keep);
    // The buffer just read is free for the layer below the next one.
    torch::Tensor next = impl_->scratch_of(i % 2, static_cast<int64_t>(layer.source.get_size() / sizeof(float)))
                             .narrow(0, 0, static_cast<int64_t>(layer.source.get_size() / sizeof(float)));
    layer.data.execute(cpu_stream(), {{DNNL_ARG_DIFF_SRC, wrap(layer.source, next)},
                                      {DNNL_ARG_WEIGHTS, blocked_weights},
                                      {DNNL_ARG_DIFF_DST, wrap(layer.target, current)}});
    cpu_stream().wait();
    current = next;
  }
  torch::Tensor input_gradient;
  if (needs_input_gradient) {
    const LayerPlan& first = plan.layers.front();
    input_gradient = torch::empty({plan.shape.batch, first.in, plan.shape.height, plan.shape.width}, torch::kFloat32);
    memory from = wrap(first.source, current);
    memory to = wrap(memory::desc(first.source.dims(), kFloat, Tag::nchw), input_gradient);
    reorder(from, to);
    cpu_stream().wait();
    input_gradient = input_gradient.narrow(1, 0, impl_->layers.front().in_channels);
  }
  activations->input = torch::Tensor();
  impl_->spare.push_back(activations);
  if (impl_->spare.size() > 2) impl_->spare.erase(impl_->spare.begin());
  return input_gradient;
}

bool supports(ConvBackend backend) {
  if (backend == ConvBackend::kTorch) return false;
  try {
    LayerPlan plan({64, 64, true, true}, {1, 32, 32}, backend, false, true);
    plan.make_weights_backward();
    plan.make_data_backward();
    return plan.kind == algorithm_of(backend);
  } catch (const std::exception&) {
    return false;
  }
}

std::string version() {
  const auto* v = dnnl::version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

}  // namespace zsr::onednn
