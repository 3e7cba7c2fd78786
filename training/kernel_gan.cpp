#include "training/kernel_gan.h"

#include "core/error.h"
#include "core/normal_field.h"
#include "core/session.h"
#include "nn/optim/flat_adam.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

constexpr int64_t kSide = KernelGanOptions::kSide;
constexpr int64_t kCriticSteps = 5;
constexpr int64_t kLeastKernels = 10;
constexpr double kPenalty = 10.0;
constexpr double kClip = 0.01;

// From a code of one pixel to 32x32 pixels, then a convolution of 8x8 to 25x25.
nn::Graph generator_of(int64_t width) {
  nn::Graph g;
  nn::Value x = g.input(KernelGanOptions::kCode);
  for (int64_t i = 0; i < 3; ++i) {
    const nn::Convolution up{.side = 4, .stride = i == 0 ? 1 : 2, .padding = i == 0 ? 0 : 1, .transposed = true};
    x = g.transposed_conv(fmt::format("up.{}", i), x, width >> i, up);
    x = g.relu(g.normalise(fmt::format("norm.{}", i), x, nn::Norm::kBatch));
  }
  x = g.transposed_conv("up.3", x, 1, {.side = 4, .stride = 2, .padding = 1, .transposed = true});
  x = g.conv("tail", x, 1, {.side = 8, .padding = 0});
  g.output(g.activation(nn::Curve::kTanh, x), 1);
  return g;
}

// Centre of mass to the middle, in whole pixels.
torch::Tensor centered(const torch::Tensor& kernel) {
  const torch::Tensor at = torch::arange(kSide, torch::kFloat32) - static_cast<double>(kSide / 2);
  const auto shift = [&](int64_t other) { return -std::lround((kernel.sum(other) * at).sum().item<double>()); };
  return kernel.roll({shift(1), shift(0)}, {0, 1});
}

}  // namespace

void KernelGanOptions::validate() const {
  if (steps < 1) throw OptionError(fmt::format("steps = {}, must be > 0", steps));
  if (batch < 2) throw OptionError(fmt::format("batch = {}, must be > 1", batch));
}

KernelGan::KernelGan(const KernelGanOptions& options, uint64_t seed)
    : options_(options),
      seed_(seed),
      generator_(generator_of(options.published ? 1024 : 128)),
      adam_(0, torch::kCPU, 0.0, 0.9),
      critic_adam_(0, torch::kCPU, 0.0, 0.9) {
  options.validate();
  Random random(derive_seed(seed, "kernel-gan"));
  values_ = nn::initial_values(generator_.graph(), random).set_requires_grad(true);
  mean_ = values_.detach().clone();
  const int64_t width = options.published ? 256 : 32;
  int64_t count = 0;
  for (int64_t i = 0; i < 4; ++i) {
    critic_.push_back({i == 0 ? 1 : width << (i - 1), i == 3 ? 1 : width << i, i == 3 ? 3 : 4, count});
    const Layer& layer = critic_.back();
    count += layer.out * (layer.in * layer.side * layer.side + (options.published && i < 3 ? 3 : 1));
  }
  critic_values_ = torch::zeros({count});
  for (size_t i = 0; i < critic_.size(); ++i) {
    const Layer& layer = critic_[i];
    const int64_t inputs = layer.in * layer.side * layer.side;
    torch::Tensor weight = critic_values_.narrow(0, layer.offset, layer.out * inputs);
    fill_normal(random.bits(), weight.data_ptr<float>(), weight.numel());
    weight.mul_(std::sqrt(2.0 / static_cast<double>(inputs)));
    if (options.published && i < 3)
      critic_values_.narrow(0, layer.offset + layer.out * (inputs + 1), layer.out).fill_(1);
  }
  critic_values_.set_requires_grad(true);
  const double memory = options.published ? 0.99 : 0.9;
  adam_ = FlatAdam(values_.numel(), torch::kCPU, 0.0, memory);
  critic_adam_ = FlatAdam(count, torch::kCPU, 0.0, memory);
}

torch::Tensor KernelGan::kernels_of(const torch::Tensor& code, const torch::Tensor& values, bool training) const {
  const torch::Tensor made = generator_.forward({code}, values, 0, training).clamp_min(0.0);
  return made / (made.sum({1, 2, 3}, true) + 1e-6);
}

torch::Tensor KernelGan::judge(const torch::Tensor& kernels) const {
  torch::Tensor x = kernels * unit_;
  for (size_t i = 0; i < critic_.size(); ++i) {
    const Layer& layer = critic_[i];
    const bool last = i + 1 == critic_.size();
    int64_t at = layer.offset;
    const auto take = [&](int64_t count) {
      at += count;
      return critic_values_.narrow(0, at - count, count);
    };
    const torch::Tensor weight =
        take(layer.out * layer.in * layer.side * layer.side).view({layer.out, layer.in, layer.side, layer.side});
    x = torch::conv2d(x, weight, take(layer.out), last ? 1 : 2, last ? 0 : 1);
    if (last) break;
    if (options_.published) {
      const torch::Tensor gain = take(layer.out);
      x = torch::instance_norm(x, gain, take(layer.out), {}, {}, true, 0.1, 1e-5, false);
    }
    x = torch::leaky_relu(x, 0.2);
  }
  return x.flatten();
}

torch::Tensor KernelGan::codes(int64_t count, uint64_t seed) const {
  torch::Tensor code = torch::empty({count, KernelGanOptions::kCode, 1, 1});
  fill_normal(seed, code.data_ptr<float>(), code.numel());
  return code;
}

// The critic learns to give real kernels more than made ones, at a slope of at most 1.
double KernelGan::step_critic(const torch::Tensor& real, uint64_t seed) {
  torch::Tensor made;
  {
    const torch::NoGradGuard no_grad;
    made = kernels_of(codes(real.size(0), seed), values_, true);
  }
  critic_values_.mutable_grad().reset();
  torch::Tensor loss = judge(made).mean() - judge(real).mean();
  const double distance = -loss.item<double>();
  if (!options_.published) {
    Random random(seed);
    torch::Tensor share = torch::empty({real.size(0), 1, 1, 1});
    for (int64_t i = 0; i < share.numel(); ++i) share.data_ptr<float>()[i] = static_cast<float>(random.uniform());
    const torch::Tensor between = (share * real + (1.0 - share) * made).set_requires_grad(true);
    const torch::Tensor slope = torch::autograd::grad({judge(between).sum()}, {between}, {}, true, true)[0] / unit_;
    loss = loss + kPenalty * (slope.flatten(1).norm(2, 1) - 1.0).square().mean();
  }
  loss.backward();
  critic_adam_.step(critic_values_.detach(), critic_values_.grad(), options_.published ? 5e-5 : 4e-4);
  if (options_.published) critic_values_.detach().clamp_(-kClip, kClip);
  return distance;
}

double KernelGan::step_generator(uint64_t seed) {
  values_.mutable_grad().reset();
  const torch::Tensor loss = -judge(kernels_of(codes(options_.batch, seed), values_, true)).mean();
  loss.backward();
  adam_.step(values_.detach(), values_.grad(), options_.published ? 5e-5 : 2e-4);
  return loss.item<double>();
}

Summary KernelGan::train(const torch::Tensor& pool, const RunContext& context) {
  if (pool.size(0) < kLeastKernels) {
    throw OptionError(fmt::format("{} kernels, and at least {} are needed", pool.size(0), kLeastKernels));
  }
  // The critic sees peaks of about 1.
  unit_ = 1.0 / pool.amax({1, 2}).mean().item<double>();
  const torch::Tensor all = pool.unsqueeze(1);
  Session session(context, "nothing was written");
  Random random(derive_seed(seed_, "kernel-gan-batches"));
  Summary summary;
  bool stop = false;
  while (summary.steps < options_.steps && !stop) {
    double distance = 0.0;
    for (int64_t i = 0; i < kCriticSteps; ++i) {
      torch::Tensor chosen = torch::empty({options_.batch}, torch::kInt64);
      for (int64_t k = 0; k < options_.batch; ++k) chosen.data_ptr<int64_t>()[k] = random.index(pool.size(0));
      distance = step_critic(all.index_select(0, chosen), random.bits());
    }
    step_generator(random.bits());
    // Of about the last tenth of the steps so far.
    mean_.lerp_(values_.detach(), 10.0 / static_cast<double>(summary.steps + 10));
    if (!std::isfinite(distance)) {
      throw OptionError(fmt::format("the critic's loss is no number any more at step {}", summary.steps + 1));
    }
    summary.final_loss = distance;
    session.report("kernels", ++summary.steps, options_.steps, distance);
    stop = session.stopped() || session.out_of_time();
  }
  if (summary.steps < options_.steps) summary.termination = session.termination(Termination::kStopped);
  summary.train_s = session.elapsed_s();
  return summary;
}

torch::Tensor KernelGan::draw(int64_t count, uint64_t seed) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor made = kernels_of(codes(count, seed), mean_, false).squeeze(1);
  std::vector<torch::Tensor> moved;
  for (int64_t i = 0; i < count; ++i) moved.push_back(centered(made[i]));
  return torch::stack(moved);
}

WeightsFile KernelGan::weights() const {
  WeightsFile file = nn::to_weights(generator_.graph(), mean_);
  file.metadata = {{"network", "kernel-gan"}, {"steps", std::to_string(options_.steps)}};
  return file;
}

torch::Tensor kernel_pool(const std::vector<torch::Tensor>& kernels) {
  std::vector<torch::Tensor> all;
  for (const torch::Tensor& kernel : kernels) {
    torch::Tensor image = kernel.to(torch::kFloat32);
    for (const int64_t dim : {0, 1}) {
      const int64_t more = kSide - image.size(dim);
      if (more < 0) {
        image = image.narrow(dim, -more / 2, kSide);
      } else {
        const int64_t before = more / 2;
        image = torch::constant_pad_nd(image, dim == 0 ? std::vector<int64_t>{0, 0, before, more - before}
                                                       : std::vector<int64_t>{before, more - before});
      }
    }
    image = image.clamp_min(0.0);
    all.push_back(centered(image / image.sum()));
  }
  return torch::stack(all);
}

}  // namespace zsr::training
