#include "dip/skip_network.h"

#include "core/error.h"
#include "dip/fast/hourglass.h"
#include "nn/kernels/conv_backend.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cmath>
#include <mutex>

namespace zsr::dip {

struct SkipNetwork::Fast {
  std::mutex mutex;
  Hourglass hourglass;
  int64_t passes = 0;  // a backward pass must follow its own forward pass
};

namespace {

// Draws as PyTorch's Conv2d: weights and bias uniform in +-1 / sqrt(fan in).
void draw(const Slice& weight, const Slice& bias, torch::Tensor& values, Random& random) {
  const auto fan_in = static_cast<double>(weight.count() / weight.shape[0]);
  const double bound = 1.0 / std::sqrt(fan_in);
  for (const Slice& slice : {weight, bias}) {
    float* const to = values.data_ptr<float>() + slice.offset;
    for (int64_t i = 0; i < slice.count(); ++i) to[i] = static_cast<float>(random.uniform(-bound, bound));
  }
}

void draw(const LayerSlices& layer, torch::Tensor& values, Random& random) {
  if (layer.weight.shape.empty()) return;
  draw(layer.weight, layer.bias, values, random);
  layer.gain.of(values).fill_(1.0);
}

// Carries a pass from forward to backward.
struct Pass : torch::CustomClassHolder {
  std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)> back;
};

struct HourglassFunction : torch::autograd::Function<HourglassFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& parameters,
                               const torch::Tensor& output, const c10::intrusive_ptr<Pass>& pass) {
    context->save_for_backward({parameters});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return output.clone();
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto capsule = context->saved_data["pass"].toCapsule();
    auto* const pass = static_cast<Pass*>(capsule.get());
    return {pass->back(gradients[0], context->get_saved_variables()[0].detach()), {}, {}};
  }
};

}  // namespace

SkipNetwork::SkipNetwork(const SkipSpec& spec, Random& random, torch::Device device)
    : spec_((spec.validate(), spec)), layout_(spec) {
  torch::Tensor values = torch::zeros({layout_.count}, torch::kFloat32);
  for (const LevelSlices& level : layout_.levels) {
    draw(level.skip, values, random);
    draw(level.down, values, random);
    if (const NonLocalSlices& block = level.non_local; !block.value.shape.empty()) {
      draw(block.value, block.value_bias, values, random);
      draw(block.key, block.key_bias, values, random);
      draw(block.query, block.query_bias, values, random);
      draw(block.back.weight, block.back.bias, values, random);  // its gain stays 0
    }
    draw(level.second, values, random);
    level.joint_gain.of(values).fill_(1.0);
    draw(level.up, values, random);
    draw(level.point, values, random);
  }
  draw(layout_.last, layout_.last_bias, values, random);
  parameters_ = values.to(device).set_requires_grad(true);
  if (device.is_cpu() && preferred_conv_backend() == ConvBackend::kWinograd && Hourglass::serves(spec)) {
    fast_ = std::shared_ptr<Fast>(new Fast{{}, Hourglass(spec, layout_, winograd::kernels()), 0});
  }
}

SkipNetwork::~SkipNetwork() = default;

torch::Tensor SkipNetwork::forward(const torch::Tensor& noise) const {
  const int64_t divisor = spec_.divisor();
  if (noise.dim() != 4 || noise.size(0) != 1 || noise.size(1) != spec_.inputs || noise.size(2) % divisor != 0 ||
      noise.size(3) % divisor != 0 || std::min(noise.size(2), noise.size(3)) < 2 * divisor) {
    throw OptionError(fmt::format("the skip network takes [1, {}, H, W], sides multiples of {} and at least {}",
                                  spec_.inputs, divisor, 2 * divisor));
  }
  if (fast_ == nullptr) return by_torch(noise, parameters_);
  const std::shared_ptr<Fast> fast = fast_;
  const std::lock_guard lock(fast->mutex);
  const torch::Tensor output = fast->hourglass.forward(noise.detach(), parameters_.detach());
  const int64_t number = ++fast->passes;
  if (!torch::GradMode::is_enabled()) return output;
  const auto pass = c10::make_intrusive<Pass>();
  pass->back = [fast, number](const torch::Tensor& gradient, const torch::Tensor& parameters) {
    const std::lock_guard guard(fast->mutex);
    TORCH_CHECK(fast->passes == number, "SkipNetwork: another forward pass came before this backward pass");
    return fast->hourglass.backward(gradient, parameters);
  };
  return HourglassFunction::apply(parameters_, output, pass);
}

torch::Tensor draw_input(const SkipSpec& spec, int64_t height, int64_t width, uint64_t seed) {
  constexpr double kRange = 0.1;
  torch::Tensor input = torch::empty({1, spec.inputs, spec.canvas(height), spec.canvas(width)});
  Random random(seed);
  float* const values = input.data_ptr<float>();
  for (int64_t i = 0; i < input.numel(); ++i) values[i] = static_cast<float>(kRange * random.uniform());
  return input;
}

int64_t SkipNetwork::step_bytes(const SkipSpec& spec, int64_t height, int64_t width) {
  const int64_t parameters = SkipLayout(spec).count;
  // Beside the images: the noise with what is added to it, a few images of the output's size, gradients and moments.
  return Hourglass::bytes(spec, height, width) + 4 * (3 * spec.inputs + 24) * height * width + 24 * parameters;
}

}  // namespace zsr::dip
