#include "dip/fitting.h"

#include "core/normal_field.h"
#include "core/random.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::dip {
namespace {

constexpr double kLargestFall = 5.0;  // dB, denoising.ipynb

// Normal numbers in pieces that threads share, the same however many they are.
void fill_normal_field(uint64_t seed, torch::Tensor& field) {
  constexpr int64_t kPiece = 1 << 16;
  float* const values = field.data_ptr<float>();
  const int64_t count = field.numel();
  at::parallel_for(0, (count + kPiece - 1) / kPiece, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      uint64_t state = seed + static_cast<uint64_t>(piece);
      fill_normal(splitmix64(state), values + piece * kPiece, std::min(kPiece, count - piece * kPiece));
    }
  });
}

}  // namespace

Fitting::Fitting(SkipNetwork& network, const torch::Tensor& photo, const Options& options, uint64_t seed)
    : network_(network),
      options_(options),
      observation_(photo, options),
      height_(photo.size(2) * options.scale),
      width_(photo.size(3) * options.scale),
      adam_(network.parameters().numel(), network.parameters().device(), 0.9, 0.999),
      rule_(options.window, options.patience),
      seed_(seed),
      rate_(options.learning_rate) {
  input_ = draw_input(options.network, height_, width_, derive_seed(seed, "input"));
  if (options.noise > 0.0) noise_ = torch::empty_like(input_);
}

torch::Tensor Fitting::noisy_input() {
  const torch::Device device = network_.parameters().device();
  if (options_.noise == 0.0) return input_.to(device);
  fill_normal_field(derive_seed(seed_, fmt::format("noise {}", steps_)), noise_);
  noise_.mul_(options_.noise).add_(input_);
  return noise_.to(device);
}

torch::Tensor Fitting::cropped(const torch::Tensor& canvas) const {
  return canvas.slice(2, 0, height_).slice(3, 0, width_);
}

double Fitting::step() {
  torch::Tensor parameters = network_.parameters();
  parameters.mutable_grad().reset();
  const torch::Tensor output = cropped(network_.forward(noisy_input()));
  const torch::Tensor loss = observation_.loss(output);
  const double value = loss.item<double>();
  ++steps_;
  const double psnr = -10.0 * std::log10(value);
  const torch::NoGradGuard no_grad;
  if (!std::isfinite(value) || (last_parameters_.defined() && psnr < last_psnr_ - kLargestFall)) {
    // Published: the weights of the step before. Those led here, so that the optimiser forgets its way as well.
    ++restored_;
    if (!std::isfinite(value)) {
      ++failures_;
      rate_ *= 0.5;
    }
    if (last_parameters_.defined()) parameters.copy_(last_parameters_);
    adam_.reset();
    last_psnr_ = -1e9;  // not twice in a row for one fall
    return value;
  }
  {
    const torch::AutoGradMode enabled(true);
    loss.backward();
  }
  const torch::Tensor image = output.detach();
  if (!average_.defined() || options_.average == 0.0) {
    average_ = image.clone();
  } else {
    average_.mul_(options_.average).add_(image, 1.0 - options_.average);
  }
  if (rule_.add(image) && options_.stop == StopRule::kVariance) best_ = average_.clone();
  if (!rule_ended_) {
    rule_step_ = rule_.best_step();
    rule_ended_ = rule_.finished();
  }
  last_psnr_ = psnr;
  last_parameters_ = parameters.detach().clone();
  adam_.step(parameters.detach(), parameters.grad(), rate_);
  return value;
}

int64_t Fitting::best_step() const {
  return best_.defined() ? rule_.best_step() : steps_;
}

torch::Tensor Fitting::image() const {
  return best_.defined() ? best_ : current();
}

torch::Tensor Fitting::current() const {
  if (options_.average > 0.0 && average_.defined()) return average_;
  const torch::NoGradGuard no_grad;
  return cropped(network_.forward(input_.to(network_.parameters().device())));
}

}  // namespace zsr::dip
