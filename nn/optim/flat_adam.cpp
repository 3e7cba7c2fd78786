#include "nn/optim/flat_adam.h"

#include "nn/optim/adam_loop.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {

FlatAdam::FlatAdam(int64_t count, torch::Device device, double beta1, double beta2)
    : beta1_(beta1),
      beta2_(beta2),
      first_(torch::zeros({count}, torch::TensorOptions(torch::kFloat32).device(device))),
      second_(torch::zeros_like(first_)) {}

void FlatAdam::reset() {
  steps_ = 0;
  first_.zero_();
  second_.zero_();
}

std::vector<NamedTensor> FlatAdam::state(const std::string& prefix) const {
  return {{prefix + "first", first_.to(torch::kCPU).clone()},
          {prefix + "second", second_.to(torch::kCPU).clone()},
          {prefix + "steps", torch::tensor({static_cast<float>(steps_)})}};
}

void FlatAdam::load_state(const WeightsFile& file, const std::string& prefix) {
  first_.copy_(file.take(prefix + "first", first_.sizes()));
  second_.copy_(file.take(prefix + "second", second_.sizes()));
  steps_ = static_cast<int64_t>(file.take(prefix + "steps", {1}).item<float>());
}

void FlatAdam::step(torch::Tensor parameters, const torch::Tensor& gradient, double learning_rate) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  const double correction1 = 1.0 - std::pow(beta1_, static_cast<double>(steps_));
  const double correction2 = 1.0 - std::pow(beta2_, static_cast<double>(steps_));
  if (!parameters.device().is_cpu()) {
    first_.mul_(beta1_).add_(gradient, 1.0 - beta1_);
    second_.mul_(beta2_).addcmul_(gradient, gradient, 1.0 - beta2_);
    const torch::Tensor root = second_.div(correction2).sqrt_().add_(kAdamEpsilon);
    parameters.addcdiv_(first_, root, -learning_rate / correction1);
    return;
  }
  const AdamRates rates{static_cast<float>(beta1_), static_cast<float>(beta2_),
                        static_cast<float>(learning_rate / correction1),
                        static_cast<float>(1.0 / std::sqrt(correction2))};
  float* value = parameters.data_ptr<float>();
  const float* slope = gradient.data_ptr<float>();
  float* first = first_.data_ptr<float>();
  float* second = second_.data_ptr<float>();
  at::parallel_for(0, parameters.numel(), 1 << 15, [&](int64_t begin, int64_t end) {
    adam_loop(value + begin, slope + begin, first + begin, second + begin, end - begin, rates);
  });
}

}  // namespace zsr
