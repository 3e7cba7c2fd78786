#include "training/kernel_prior.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/flow_prior.h"

#include <fmt/format.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace zsr::training {
namespace {

torch::Tensor uniform(std::vector<int64_t> shape, Random& random) {
  torch::Tensor values = torch::empty(shape);
  float* const to = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) to[i] = static_cast<float>(random.uniform());
  return values;
}

double rate_at(const KernelPriorOptions& options, int64_t step) {
  constexpr std::array<double, 6> kHalvings = {0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  double rate = options.learning_rate;
  for (const double share : kHalvings) {
    if (static_cast<double>(step) >= share * static_cast<double>(options.steps)) rate *= 0.5;
  }
  return rate;
}

}  // namespace

void KernelPriorOptions::validate() const {
  const auto require = [](bool good, const char* name, double value, const char* expected) {
    if (!good) throw OptionError(fmt::format("{} = {:g}, must be {}", name, value, expected));
  };
  require(scale == 2 || scale == 3 || scale == 4 || scale == 8, "scale", static_cast<double>(scale), "2, 3, 4 or 8");
  require(steps > 0, "steps", static_cast<double>(steps), "> 0");
  require(batch > 1, "batch", static_cast<double>(batch), "> 1");
  require(learning_rate > 0.0, "learning_rate", learning_rate, "> 0");
  require(weight_decay >= 0.0, "weight_decay", weight_decay, ">= 0");
}

torch::Tensor draw_prior_kernels(int64_t count, int64_t side, int64_t scale, Random& random) {
  const auto factor = static_cast<double>(scale);
  const double least = 0.175 * factor;
  const double most = std::min(2.5 * factor, 10.0);
  torch::Tensor inverse = torch::empty({3, count});  // xx, xy, yy of the inverse covariance
  float* const to = inverse.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const double first = 1.0 / random.uniform(least, most);
    const double second = 1.0 / random.uniform(least, most);
    const double angle = random.uniform(0.0, std::numbers::pi);
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    to[i] = static_cast<float>(first * c * c + second * s * s);
    to[count + i] = static_cast<float>((first - second) * c * s);
    to[2 * count + i] = static_cast<float>(first * s * s + second * c * c);
  }
  const torch::Tensor place = torch::arange(side, torch::kFloat32) - 0.5 * static_cast<double>(side - scale);
  const torch::Tensor y = place.view({1, -1, 1});
  const torch::Tensor x = place.view({1, 1, -1});
  const auto term = [&](int64_t i) { return inverse[i].view({-1, 1, 1}); };
  const torch::Tensor kernels = (-0.5 * (term(0) * x * x + 2.0 * term(1) * x * y + term(2) * y * y)).exp();
  return (kernels / kernels.sum({1, 2}, true)).unsqueeze(1);
}

double mean_negative_log_density(FlowPrior& prior, uint64_t seed) {
  constexpr int64_t kCount = 2000;
  const torch::NoGradGuard no_grad;
  Random data(derive_seed(seed, "kernel-prior-test"));
  const torch::Tensor kernels = draw_prior_kernels(kCount, prior.side(), prior.scale(), data);
  const torch::Tensor dequantise = uniform({kCount, 1, prior.side(), prior.side()}, data);
  return -prior.log_density(kernels, dequantise).mean().item<double>();
}

FlowPrior train_kernel_prior(const KernelPriorOptions& options, const RunContext& context) {
  options.validate();
  Random weights(derive_seed(context.seed, "kernel-prior-weights"));
  Random data(derive_seed(context.seed, "kernel-prior-kernels"));
  FlowPrior prior = FlowPrior::for_scale(options.scale, weights);
  for (torch::Tensor parameter : prior.parameters()) parameter.set_requires_grad(true);
  torch::optim::Adam adam(prior.parameters(),
                          torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
  Session session(context);
  for (int64_t step = 0; step < options.steps; ++step) {
    for (auto& group : adam.param_groups()) {
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate_at(options, step));
    }
    const torch::Tensor kernels = draw_prior_kernels(options.batch, prior.side(), options.scale, data);
    const torch::Tensor loss =
        -prior.log_density(kernels, uniform({options.batch, 1, prior.side(), prior.side()}, data), true).mean();
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      throw Error(fmt::format("the kernel prior diverged at step {}; a smaller learning rate helps", step));
    }
    adam.zero_grad();
    loss.backward();
    adam.step();
    session.report("train", step + 1, options.steps, value);
    if (session.stopped()) break;
  }
  for (torch::Tensor parameter : prior.parameters()) parameter.set_requires_grad(false);
  return prior;
}

}  // namespace zsr::training
