#include "degradations/kernel.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr {
namespace {

constexpr int64_t kLargestSide = 512;

double cubic_b_spline(double x) {
  const double a = std::abs(x);
  if (a < 1.0) return 2.0 / 3.0 - a * a + 0.5 * a * a * a;
  if (a < 2.0) return (2.0 - a) * (2.0 - a) * (2.0 - a) / 6.0;
  return 0.0;
}

// out[i] = spline(i - shift), zero outside: interpolating cubic spline with mirrored ends (scipy's ndimage.shift).
torch::Tensor spline_shift_matrix(int64_t length, double shift) {
  torch::Tensor sample = torch::zeros({length, length}, torch::kFloat64);
  torch::Tensor moved = torch::zeros({length, length}, torch::kFloat64);
  auto at_knots = sample.accessor<double, 2>();
  auto at_shifted = moved.accessor<double, 2>();
  const auto mirrored = [length](int64_t index) {
    if (length == 1) return int64_t{0};
    const int64_t period = 2 * (length - 1);
    index = ((index % period) + period) % period;
    return index < length ? index : period - index;
  };
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t k = i - 1; k <= i + 1; ++k) {
      at_knots[i][mirrored(k)] += cubic_b_spline(static_cast<double>(i - k));
    }
    const double position = static_cast<double>(i) - shift;
    if (position < 0.0 || position > static_cast<double>(length - 1)) continue;
    const auto left = static_cast<int64_t>(std::floor(position)) - 1;
    for (int64_t k = left; k < left + 4; ++k) {
      at_shifted[i][mirrored(k)] += cubic_b_spline(position - static_cast<double>(k));
    }
  }
  return torch::matmul(moved, torch::linalg_inv(sample));
}

}  // namespace

BlurKernel::BlurKernel(const torch::Tensor& weights, const std::string& name) {
  if (weights.dim() != 2) {
    throw InputError(fmt::format("{} has {} dimension(s), a blur kernel must be a 2-D array", name, weights.dim()));
  }
  if (weights.numel() == 0 || weights.size(0) > kLargestSide || weights.size(1) > kLargestSide) {
    throw InputError(fmt::format("{} is {}x{}, a blur kernel must have 1 to {} rows and columns", name, weights.size(0),
                                 weights.size(1), kLargestSide));
  }
  const torch::Tensor values = weights.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  if (!torch::isfinite(values).all().item<bool>()) {
    throw InputError(fmt::format("{} has NaN or infinite entries", name));
  }
  if (values.abs().max().item<double>() == 0.0) throw InputError(fmt::format("{} is all zero", name));
  const double sum = values.sum().item<double>();
  if (sum <= 1e-12 * values.abs().sum().item<double>()) {
    throw InputError(fmt::format("{} sums to {:.3g}, a blur kernel must have a positive sum", name, sum));
  }
  weights_ = values / sum;
}

BlurKernel BlurKernel::from_convention(const torch::Tensor& weights, KernelConvention convention,
                                       const std::string& name) {
  const BlurKernel kernel(weights, name);
  if (convention == KernelConvention::kZssr || convention == KernelConvention::kFkp) return kernel;
  // Convolution with anchor c is correlation of the flipped kernel with anchor size - 1 - c; for an even size that is
  // one less than zsr's anchor, made equal by a line of zeros in front.
  torch::Tensor flipped = kernel.weights_.flip({0, 1});
  flipped = torch::constant_pad_nd(flipped, {flipped.size(1) % 2 == 0 ? 1 : 0, 0, flipped.size(0) % 2 == 0 ? 1 : 0, 0});
  return BlurKernel(flipped, name);
}

torch::Tensor BlurKernel::to_convention(KernelConvention convention) const {
  if (convention != KernelConvention::kKair) return weights_.clone();
  const torch::Tensor flipped = weights_.flip({0, 1});
  return torch::constant_pad_nd(flipped, {0, width() % 2 == 0 ? 1 : 0, 0, height() % 2 == 0 ? 1 : 0}).clone();
}

std::array<double, 2> BlurKernel::center_of_mass() const {
  const torch::Tensor y = torch::arange(height(), torch::kFloat64).unsqueeze(1);
  const torch::Tensor x = torch::arange(width(), torch::kFloat64).unsqueeze(0);
  return {(weights_ * y).sum().item<double>(), (weights_ * x).sum().item<double>()};
}

Phase BlurKernel::phase() const {
  const auto [y, x] = center_of_mass();
  return {y - static_cast<double>(anchor_y()), x - static_cast<double>(anchor_x())};
}

BlurKernel BlurKernel::moved_to(Phase wanted) const {
  const Phase now = phase();
  const double shift_y = wanted.y - now.y;
  const double shift_x = wanted.x - now.x;
  const double largest = std::max(std::abs(shift_y), std::abs(shift_x));
  if (largest < 1e-6) return *this;
  // Padding by equal amounts keeps the anchor on the same weight.
  const auto pad = static_cast<int64_t>(std::ceil(largest)) + 1;
  const torch::Tensor padded = torch::constant_pad_nd(weights_, {pad, pad, pad, pad});
  const torch::Tensor moved = torch::matmul(torch::matmul(spline_shift_matrix(padded.size(0), shift_y), padded),
                                            spline_shift_matrix(padded.size(1), shift_x).t());
  return BlurKernel(moved);
}

BlurKernel shifted_inside(const BlurKernel& kernel, double shift, double* sum) {
  const torch::Tensor moved =
      torch::matmul(torch::matmul(spline_shift_matrix(kernel.height(), shift), kernel.weights()),
                    spline_shift_matrix(kernel.width(), shift).t());
  if (sum != nullptr) *sum = moved.sum().item<double>();
  return BlurKernel(moved, "shifted kernel");
}

bool BlurKernel::is_symmetric(double tolerance) const {
  // Compare about the centre of mass: a centred kernel that sits half a pixel off is still symmetric as a blur.
  if (height() != width()) return false;
  const auto [y, x] = center_of_mass();
  const double allowed = tolerance * weights_.abs().max().item<double>();
  const double middle = static_cast<double>(height() - 1) / 2.0;
  torch::Tensor centered = weights_;
  if (std::abs(y - middle) > 1e-6 || std::abs(x - middle) > 1e-6) {
    const BlurKernel moved =
        moved_to({middle - static_cast<double>(anchor_y()), middle - static_cast<double>(anchor_x())});
    centered = moved.weights();
  }
  const auto differs = [&](const torch::Tensor& other) {
    return (centered - other).abs().max().item<double>() > allowed;
  };
  return !differs(centered.flip({0})) && !differs(centered.flip({1})) && !differs(centered.t());
}

BlurKernel gaussian_kernel(int64_t size, double sigma_1, double sigma_2, double angle, Phase offset) {
  if (size < 1 || size > kLargestSide) {
    throw OptionError(fmt::format("kernel size = {}, must be 1 to {}", size, kLargestSide));
  }
  if (!(sigma_1 > 0.0) || !(sigma_2 > 0.0) || !std::isfinite(sigma_1) || !std::isfinite(sigma_2)) {
    throw OptionError(fmt::format("kernel sigmas = {}, {}, must be > 0 pixels", sigma_1, sigma_2));
  }
  const double middle = static_cast<double>(size - 1) / 2.0;
  const torch::Tensor y = (torch::arange(size, torch::kFloat64) - middle - offset.y).unsqueeze(1);
  const torch::Tensor x = (torch::arange(size, torch::kFloat64) - middle - offset.x).unsqueeze(0);
  const torch::Tensor along = x * std::cos(angle) + y * std::sin(angle);
  const torch::Tensor across = y * std::cos(angle) - x * std::sin(angle);
  return BlurKernel(torch::exp(-0.5 * (along.square() / (sigma_1 * sigma_1) + across.square() / (sigma_2 * sigma_2))));
}

}  // namespace zsr
