#include "nn/kernels/conv_chain.h"

#include "core/error.h"
#include "nn/kernels/winograd/chain.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string_view>

namespace zsr {
namespace {

ConvBackend find_backend() {
  const char* wanted = std::getenv("ZSR_CONV");
  return wanted != nullptr && std::string_view(wanted) == "torch" ? ConvBackend::kTorch : ConvBackend::kWinograd;
}

}  // namespace

ConvBackend preferred_conv_backend() {
  static const ConvBackend backend = find_backend();
  return backend;
}

std::string to_string(ConvBackend backend) {
  switch (backend) {
    case ConvBackend::kWinograd:
      return "winograd";
    case ConvBackend::kTorch:
      return "torch";
  }
  return "unknown";
}

std::string describe_conv_backend() {
  const ConvBackend backend = preferred_conv_backend();
  if (backend == ConvBackend::kTorch) return "at::conv2d";
  return fmt::format("Winograd F(4x4, 3x3), {}", winograd::kernels().name);
}

struct ConvChain::State {
  std::vector<ConvLayer> layers;
  ConvBackend backend = ConvBackend::kTorch;
  std::vector<int64_t> weight_offset;
  int64_t parameter_count = 0;
  std::mutex mutex;  // the fast chain reuses its buffers
  std::unique_ptr<winograd::Chain> fast;

  torch::Tensor weight(const torch::Tensor& parameters, size_t index) const {
    const ConvLayer& layer = layers[index];
    return parameters.narrow(0, weight_offset[index], layer.out_channels * layer.in_channels * 9)
        .view({layer.out_channels, layer.in_channels, 3, 3});
  }

  torch::Tensor bias(const torch::Tensor& parameters, size_t index) const {
    const ConvLayer& layer = layers[index];
    if (!layer.bias) return {};
    return parameters.narrow(0, weight_offset[index] + layer.out_channels * layer.in_channels * 9, layer.out_channels);
  }

  torch::Tensor slope(const torch::Tensor& parameters, size_t index) const {
    const ConvLayer& layer = layers[index];
    if (!layer.prelu) return {};
    const int64_t before = layer.out_channels * (layer.in_channels * 9 + (layer.bias ? 1 : 0));
    return parameters.narrow(0, weight_offset[index] + before, layer.out_channels);
  }

  std::vector<winograd::LayerTensors> views(const torch::Tensor& parameters) const {
    std::vector<winograd::LayerTensors> all;
    for (size_t i = 0; i < layers.size(); ++i) {
      all.push_back({weight(parameters, i), bias(parameters, i), slope(parameters, i)});
    }
    return all;
  }

  torch::Tensor by_torch(const torch::Tensor& input, const torch::Tensor& parameters) const {
    std::vector<torch::Tensor> images{input};
    for (size_t i = 0; i < layers.size(); ++i) {
      const ConvLayer& layer = layers[i];
      torch::Tensor x = torch::conv2d(images.back(), weight(parameters, i), bias(parameters, i), 1, 1);
      if (layer.add >= 0) x = x + images[static_cast<size_t>(layer.add)];
      if (layer.relu) x = torch::relu(x);
      if (layer.prelu) x = torch::prelu(x, slope(parameters, i));
      if (layer.shuffle > 1) x = torch::pixel_shuffle(x, layer.shuffle);
      images.push_back(x);
    }
    return images.back();
  }

  // Throws OptionError when layer `index` does not fit those before it.
  void check(size_t index) const {
    const ConvLayer& layer = layers[index];
    const auto image_channels = [&](int64_t image) {
      return image == 0 ? layers[0].in_channels : layers[static_cast<size_t>(image) - 1].image_channels();
    };
    const auto last = static_cast<int64_t>(index);
    if (layer.in_channels < 1 || layer.out_channels < 1 || image_channels(last) != layer.in_channels) {
      throw OptionError(fmt::format("convolution layer {} takes {} channels and gives {}; it must fit its neighbours",
                                    index, layer.in_channels, layer.out_channels));
    }
    bool sum_fits = layer.add <= last && (layer.add < 0 || image_channels(layer.add) == layer.out_channels);
    for (int64_t i = std::max<int64_t>(layer.add, 0); layer.add >= 0 && i < last; ++i) {
      sum_fits = sum_fits && layers[static_cast<size_t>(i)].shuffle == 1;
    }
    if (!sum_fits) throw OptionError(fmt::format("convolution layer {} cannot add image {}", index, layer.add));
    if (layer.relu && layer.prelu) throw OptionError(fmt::format("convolution layer {} has two activations", index));
    const bool shuffles = layer.shuffle != 1;
    if (layer.shuffle < 1 ||
        (shuffles && (layer.add >= 0 || layer.out_channels % (layer.shuffle * layer.shuffle * 16) != 0))) {
      throw OptionError(fmt::format("convolution layer {} cannot shuffle {} channels by {}", index, layer.out_channels,
                                    layer.shuffle));
    }
  }
};

namespace {

// Carries the chain and the activations from forward to backward.
struct Pass : torch::CustomClassHolder {
  std::shared_ptr<winograd::Chain::Activations> activations;
  std::function<torch::autograd::tensor_list(const torch::Tensor&, const torch::Tensor&,
                                             const std::shared_ptr<winograd::Chain::Activations>&, bool)>
      backward;
};

using ForwardFn = std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&,
                                              std::shared_ptr<winograd::Chain::Activations>&)>;

struct ChainFunction : torch::autograd::Function<ChainFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& input,
                               const torch::Tensor& parameters, const ForwardFn& run,
                               const c10::intrusive_ptr<Pass>& pass) {
    torch::Tensor output = run(input, parameters, pass->activations);
    context->save_for_backward({parameters});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    context->saved_data["input_gradient"] = input.requires_grad();
    return output;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    TORCH_CHECK(!torch::GradMode::is_enabled(), "ConvChain has no second derivative");
    const auto capsule = context->saved_data["pass"].toCapsule();
    auto* pass = static_cast<Pass*>(capsule.get());
    TORCH_CHECK(pass->activations, "ConvChain: backward was called twice for one forward");
    auto result = pass->backward(gradients[0], context->get_saved_variables()[0], pass->activations,
                                 context->saved_data["input_gradient"].toBool());
    pass->activations.reset();
    return {result[0], result[1], {}, {}};
  }
};

}  // namespace

ConvChain::ConvChain(std::vector<ConvLayer> layers, ConvBackend backend) : state_(std::make_shared<State>()) {
  state_->layers = std::move(layers);
  for (size_t i = 0; i < state_->layers.size(); ++i) {
    state_->check(i);
    const ConvLayer& layer = state_->layers[i];
    state_->weight_offset.push_back(state_->parameter_count);
    const int64_t vectors = (layer.bias ? 1 : 0) + (layer.prelu ? 1 : 0);
    state_->parameter_count += layer.out_channels * (layer.in_channels * 9 + vectors);
  }
  state_->backend = backend;
  if (backend == ConvBackend::kWinograd) {
    state_->fast = std::make_unique<winograd::Chain>(state_->layers, winograd::kernels());
  }
}

ConvChain::~ConvChain() = default;
ConvChain::ConvChain(ConvChain&&) noexcept = default;
ConvChain& ConvChain::operator=(ConvChain&&) noexcept = default;

const std::vector<ConvLayer>& ConvChain::layers() const {
  return state_->layers;
}
ConvBackend ConvChain::backend() const {
  return state_->backend;
}
int64_t ConvChain::parameter_count() const {
  return state_->parameter_count;
}
torch::Tensor ConvChain::weight(const torch::Tensor& parameters, size_t index) const {
  return state_->weight(parameters, index);
}
torch::Tensor ConvChain::bias(const torch::Tensor& parameters, size_t index) const {
  return state_->bias(parameters, index);
}
torch::Tensor ConvChain::slope(const torch::Tensor& parameters, size_t index) const {
  return state_->slope(parameters, index);
}

torch::Tensor ConvChain::forward(const torch::Tensor& input, const torch::Tensor& parameters) const {
  const std::shared_ptr<State> state = state_;
  const bool fast = state->fast && input.device().is_cpu() && input.scalar_type() == torch::kFloat32 &&
                    parameters.scalar_type() == torch::kFloat32 && input.numel() > 0;
  if (!fast) return state->by_torch(input, parameters);

  const bool training = torch::GradMode::is_enabled() && (input.requires_grad() || parameters.requires_grad());
  if (!training) {
    const std::lock_guard lock(state->mutex);
    const torch::Tensor flat = parameters.detach();
    return state->fast->infer(input.contiguous(), state->views(flat));
  }
  for (const ConvLayer& layer : state->layers) {
    if (layer.prelu) throw OptionError("learned slopes have no gradient in the fast convolution");
  }
  const auto pass = c10::make_intrusive<Pass>();
  pass->backward = [state](const torch::Tensor& gradient, const torch::Tensor& flat,
                           const std::shared_ptr<winograd::Chain::Activations>& activations, bool input_gradient) {
    const std::lock_guard lock(state->mutex);
    torch::Tensor flat_gradient = torch::empty_like(flat);
    auto gradients = state->views(flat_gradient);
    const torch::Tensor input_result =
        state->fast->backward(gradient, state->views(flat.detach()), activations, input_gradient, gradients);
    return torch::autograd::tensor_list{input_result, flat_gradient};
  };
  const ForwardFn run = [state](const torch::Tensor& x, const torch::Tensor& flat,
                                std::shared_ptr<winograd::Chain::Activations>& activations) {
    const std::lock_guard lock(state->mutex);
    return state->fast->forward(x.detach().contiguous(), state->views(flat.detach()), activations);
  };
  return ChainFunction::apply(input, parameters, run, pass);
}

}  // namespace zsr
