#include "degradations/flow_prior.h"

#include "core/error.h"
#include "degradations/kernel.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

constexpr size_t kBlocks = 5;
constexpr double kAlpha = 1e-6;       // keeps the logit finite
constexpr double kLevels = 720.0;     // of dequantisation, dataloader.py
constexpr double kEpsilon = 1e-5;     // of the normalisations
constexpr double kMemory = 0.9;       // of their running statistics
constexpr double kMargin = 0.01;      // above the highest peak
constexpr double kNarrowest = 0.175;  // variance of the narrowest kernel, times the scale

torch::Tensor run_mlp(const std::array<torch::Tensor, 3>& weight, const std::array<torch::Tensor, 3>& bias,
                      const torch::Tensor& input, bool tanh) {
  torch::Tensor x = torch::linear(input, weight[0], bias[0]);
  for (size_t i = 1; i < weight.size(); ++i) x = torch::linear(tanh ? x.tanh() : x.relu(), weight[i], bias[i]);
  return x;
}

void require(bool good, const WeightsFile& file, const char* what) {
  if (!good) throw InputError(fmt::format("'{}' holds no kernel prior that zsr can use: {}", file.origin, what));
}

}  // namespace

FlowPrior::FlowPrior(int64_t side, int64_t hidden, int64_t scale, Random& random) : side_(side) {
  if (side < 3 || side > 63 || side % 2 == 0) throw OptionError(fmt::format("side = {}, must be odd, 3 to 63", side));
  if (hidden < 1 || hidden > 1024) throw OptionError(fmt::format("hidden = {}, must be 1 to 1024", hidden));
  if (scale < 1 || scale > 16) throw OptionError(fmt::format("scale = {}, must be 1 to 16", scale));
  const double narrowest = std::sqrt(kNarrowest * static_cast<double>(scale));
  const double offset = 0.5 * (1.0 - static_cast<double>(scale));
  peak_ = gaussian_kernel(side, narrowest, narrowest, 0.0, {offset, offset}).weights().max().item<double>() + kMargin;
  const int64_t count = side * side;
  const auto drawn = [&](int64_t out, int64_t in, int64_t fan_in) {
    torch::Tensor values = torch::empty({out, in});
    const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    float* const to = values.data_ptr<float>();
    for (int64_t i = 0; i < values.numel(); ++i) to[i] = static_cast<float>(random.uniform(-bound, bound));
    return values;
  };
  const auto mlp = [&] {
    Mlp made;
    const std::array<int64_t, kLayers + 1> widths = {count, hidden, hidden, count};
    for (size_t i = 0; i < kLayers; ++i) {
      made.weight[i] = drawn(widths[i + 1], widths[i], widths[i]);
      made.bias[i] = drawn(widths[i + 1], 1, widths[i]).view({-1});
    }
    return made;
  };
  for (size_t i = 0; i < kBlocks; ++i) {
    Block block;
    const torch::Tensor odd = torch::arange(count).remainder(2).to(torch::kFloat32);
    block.mask = i % 2 == 0 ? odd : 1.0 - odd;
    block.scale = mlp();
    block.move = block.scale;  // begins as a copy, as in the release
    for (torch::Tensor& tensor : block.move.weight) tensor = tensor.clone();
    for (torch::Tensor& tensor : block.move.bias) tensor = tensor.clone();
    block.log_gain = torch::zeros({count});
    block.shift = torch::zeros({count});
    block.running_mean = torch::zeros({count});
    block.running_variance = torch::ones({count});
    blocks_.push_back(std::move(block));
  }
  collect_parameters();
}

FlowPrior FlowPrior::for_scale(int64_t scale, Random& random) {
  return FlowPrior(std::min<int64_t>(4 * scale + 3, 21), std::min<int64_t>(5 * scale + 5, 25), scale, random);
}

int64_t FlowPrior::scale() const {
  return side_ == 21 ? 8 : (side_ - 3) / 4;
}

void FlowPrior::collect_parameters() {
  parameters_.clear();
  for (Block& block : blocks_) {
    for (Mlp* mlp : {&block.scale, &block.move}) {
      for (size_t i = 0; i < kLayers; ++i) {
        parameters_.push_back(mlp->weight[i]);
        parameters_.push_back(mlp->bias[i]);
      }
    }
    parameters_.push_back(block.log_gain);
    parameters_.push_back(block.shift);
  }
}

int64_t FlowPrior::parameter_count() const {
  int64_t count = 0;
  for (const torch::Tensor& tensor : parameters_) count += tensor.numel();
  return count;
}

bool FlowPrior::is_prior(const WeightsFile& file) {
  return file.find("net.0.s_net.0.weight") != nullptr && file.find("kernel_size") != nullptr &&
         file.find("normalization") != nullptr;
}

FlowPrior FlowPrior::from_weights(const WeightsFile& file) {
  require(is_prior(file), file, "it lacks net.0.s_net.0.weight, kernel_size or normalization");
  FlowPrior prior;
  const auto number = [&](const char* name) { return file.take(name, {1}).item<double>(); };
  prior.side_ = std::llround(number("kernel_size"));
  prior.peak_ = number("normalization");
  require(prior.side_ >= 3 && prior.side_ <= 63 && prior.side_ % 2 == 1, file, "its kernel size is not odd, 3 to 63");
  require(prior.peak_ > 0.0 && prior.peak_ <= 2.0, file, "its normalisation is not above 0");
  const int64_t count = prior.side_ * prior.side_;
  const int64_t hidden = file.find("net.0.s_net.0.weight")->size(0);
  require(hidden >= 1 && hidden <= 1024, file, "its layers have no size that can be");
  for (size_t i = 0; i < kBlocks; ++i) {
    const auto take = [&](size_t layer, const std::string& name, at::IntArrayRef shape) {
      return file.take(fmt::format("net.{}.{}", layer, name), shape).clone();
    };
    const auto mlp = [&](const char* name) {
      Mlp made;
      const std::array<int64_t, kLayers + 1> widths = {count, hidden, hidden, count};
      for (size_t k = 0; k < kLayers; ++k) {
        made.weight[k] = take(2 * i, fmt::format("{}.{}.weight", name, 2 * k), {widths[k + 1], widths[k]});
        made.bias[k] = take(2 * i, fmt::format("{}.{}.bias", name, 2 * k), {widths[k + 1]});
      }
      return made;
    };
    Block block;
    block.mask = take(2 * i, "mask", {count});
    block.scale = mlp("s_net");
    block.move = mlp("t_net");
    block.log_gain = take(2 * i + 1, "log_gamma", {count});
    block.shift = take(2 * i + 1, "beta", {count});
    block.running_mean = take(2 * i + 1, "running_mean", {count});
    block.running_variance = take(2 * i + 1, "running_var", {count});
    prior.blocks_.push_back(std::move(block));
  }
  prior.collect_parameters();
  return prior;
}

WeightsFile FlowPrior::weights() const {
  WeightsFile file;
  const auto put = [&](const std::string& name, const torch::Tensor& tensor) {
    file.tensors.push_back({name, tensor.detach().clone()});
  };
  put("kernel_size", torch::full({1}, static_cast<double>(side_)));
  put("alpha", torch::full({1}, kAlpha));
  put("normalization", torch::full({1}, peak_));
  put("base_dist_mean", torch::zeros({side_ * side_}));
  put("base_dist_var", torch::ones({side_ * side_}));
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const auto name = [](size_t layer, const std::string& rest) { return fmt::format("net.{}.{}", layer, rest); };
    put(name(2 * i, "mask"), block.mask);
    const auto put_mlp = [&](const char* kind, const Mlp& mlp) {
      for (size_t k = 0; k < kLayers; ++k) {
        put(name(2 * i, fmt::format("{}.{}.weight", kind, 2 * k)), mlp.weight[k]);
        put(name(2 * i, fmt::format("{}.{}.bias", kind, 2 * k)), mlp.bias[k]);
      }
    };
    put_mlp("s_net", block.scale);
    put_mlp("t_net", block.move);
    put(name(2 * i + 1, "log_gamma"), block.log_gain);
    put(name(2 * i + 1, "beta"), block.shift);
    put(name(2 * i + 1, "running_mean"), block.running_mean);
    put(name(2 * i + 1, "running_var"), block.running_variance);
  }
  file.metadata["network"] = "kernel-prior";
  file.metadata["scale"] = std::to_string(scale());
  return file;
}

torch::Tensor FlowPrior::decode(const torch::Tensor& latent) const {
  torch::Tensor x = latent.view({-1, side_ * side_});
  for (size_t i = blocks_.size(); i-- > 0;) {
    const Block& block = blocks_[i];
    const torch::Tensor deviation = (block.running_variance + kEpsilon).sqrt();
    x = (x - block.shift) * (-block.log_gain).exp() * deviation + block.running_mean;
    const torch::Tensor kept = x * block.mask;
    const torch::Tensor scale = run_mlp(block.scale.weight, block.scale.bias, kept, true);
    const torch::Tensor move = run_mlp(block.move.weight, block.move.bias, kept, false);
    x = kept + (1.0 - block.mask) * (x * scale.exp() + move);
  }
  const torch::Tensor share = (x.sigmoid() - kAlpha) / (1.0 - 2.0 * kAlpha);
  return share.view({-1, 1, side_, side_}) * peak_;
}

torch::Tensor FlowPrior::log_density(const torch::Tensor& kernels, const torch::Tensor& dequantise, bool training) {
  torch::Tensor share = kernels.clamp_min(0.0) / peak_ + dequantise / kLevels;
  share = kAlpha + (1.0 - 2.0 * kAlpha) * share;
  torch::Tensor x = (share / (1.0 - share)).log().view({-1, side_ * side_});
  torch::Tensor jacobian = torch::zeros({x.size(0)});
  for (Block& block : blocks_) {
    const torch::Tensor kept = x * block.mask;
    const torch::Tensor scale = run_mlp(block.scale.weight, block.scale.bias, kept, true);
    const torch::Tensor move = run_mlp(block.move.weight, block.move.bias, kept, false);
    x = kept + (1.0 - block.mask) * (x - move) * (-scale).exp();
    jacobian = jacobian - ((1.0 - block.mask) * scale).sum(1);
    torch::Tensor mean = block.running_mean;
    torch::Tensor variance = block.running_variance;
    if (training) {
      mean = x.mean(0);
      variance = x.var(0);
      const torch::NoGradGuard no_grad;
      block.running_mean.mul_(kMemory).add_(mean, 1.0 - kMemory);
      block.running_variance.mul_(kMemory).add_(variance, 1.0 - kMemory);
    }
    x = block.log_gain.exp() * (x - mean) / (variance + kEpsilon).sqrt() + block.shift;
    jacobian = jacobian + (block.log_gain - 0.5 * (variance + kEpsilon).log()).sum();
  }
  const torch::Tensor normal = -0.5 * (x.square() + std::log(2.0 * std::numbers::pi));
  return normal.sum(1) + jacobian;
}

}  // namespace zsr
