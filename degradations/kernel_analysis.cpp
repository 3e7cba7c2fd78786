#include "degradations/kernel_analysis.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr {
namespace {

// [height, width] with the anchors together; weights outside are lost.
torch::Tensor on_support(const BlurKernel& kernel, int64_t height, int64_t width) {
  const int64_t top = height / 2 - kernel.anchor_y();
  const int64_t left = width / 2 - kernel.anchor_x();
  return torch::constant_pad_nd(kernel.weights(),
                                {left, width - left - kernel.width(), top, height - top - kernel.height()});
}

struct Placed {
  double error = 0.0;
  double shift_y = 0.0;
  double shift_x = 0.0;
  torch::Tensor weights;
};

}  // namespace

GaussianFit fit_gaussian(const BlurKernel& kernel) {
  const torch::Tensor& k = kernel.weights();
  const auto [center_y, center_x] = kernel.center_of_mass();
  const torch::Tensor y = (torch::arange(kernel.height(), torch::kFloat64) - center_y).unsqueeze(1);
  const torch::Tensor x = (torch::arange(kernel.width(), torch::kFloat64) - center_x).unsqueeze(0);
  const double yy = (k * y * y).sum().item<double>();
  const double xx = (k * x * x).sum().item<double>();
  const double xy = (k * x * y).sum().item<double>();
  const double middle = 0.5 * (xx + yy);
  const double half = std::hypot(0.5 * (xx - yy), xy);
  GaussianFit fit;
  fit.sigma_1 = std::sqrt(middle + half);
  fit.sigma_2 = std::sqrt(std::abs(middle - half) < 1e-12 ? 0.0 : middle - half);
  fit.angle = half < 1e-12 ? 0.0 : 0.5 * std::atan2(2.0 * xy, xx - yy);
  if (!(fit.sigma_1 > 0.0) || !(fit.sigma_2 >= 0.0)) {
    fit.residual = fit.sigma_1 == 0.0 ? 0.0 : std::numeric_limits<double>::quiet_NaN();
    return fit;
  }
  const double along_sigma = std::max(fit.sigma_1, 1e-3);
  const double across_sigma = std::max(fit.sigma_2, 1e-3);
  const torch::Tensor along = x * std::cos(fit.angle) + y * std::sin(fit.angle);
  const torch::Tensor across = y * std::cos(fit.angle) - x * std::sin(fit.angle);
  torch::Tensor gaussian = torch::exp(
      -0.5 * (along.square() / (along_sigma * along_sigma) + across.square() / (across_sigma * across_sigma)));
  gaussian = gaussian / gaussian.sum().clamp_min(1e-300);
  fit.residual = ((k - gaussian).norm() / k.norm()).item<double>();
  return fit;
}

BlurKernel with_support(const BlurKernel& kernel, int64_t height, int64_t width) {
  return BlurKernel(on_support(kernel, height, width), "kernel on its new support");
}

KernelDistance compare_kernels(const BlurKernel& first, const BlurKernel& second, double reach) {
  const auto margin = static_cast<int64_t>(std::ceil(reach)) + 2;
  const int64_t height = 2 * (std::max(first.height(), second.height()) / 2 + margin) + 1;
  const int64_t width = 2 * (std::max(first.width(), second.width()) / 2 + margin) + 1;
  const torch::Tensor wanted = on_support(first, height, width);
  const BlurKernel other(on_support(second, height, width));
  const Phase home = other.phase();
  const auto place = [&](double shift_y, double shift_x) {
    const BlurKernel moved = other.moved_to({home.y + shift_y, home.x + shift_x});
    const torch::Tensor weights = on_support(moved, height, width);
    return Placed{(weights - wanted).square().sum().item<double>(), shift_y, shift_x, weights};
  };
  // The centres of mass nearly tell the shift; a pattern search around both that and no shift at all settles it.
  const Phase goal = first.phase();
  const auto bounded = [&](double value) { return std::clamp(value, -reach, reach); };
  Placed best = place(0.0, 0.0);
  const Placed guess = place(bounded(goal.y - home.y), bounded(goal.x - home.x));
  if (guess.error < best.error) best = guess;
  for (double step = 0.5; step > 0.015;) {
    Placed better = best;
    for (const double dy : {-step, 0.0, step}) {
      for (const double dx : {-step, 0.0, step}) {
        if (dy == 0.0 && dx == 0.0) continue;
        const Placed candidate = place(bounded(best.shift_y + dy), bounded(best.shift_x + dx));
        if (candidate.error < better.error) better = candidate;
      }
    }
    if (better.error < best.error) {
      best = better;
    } else {
      step *= 0.5;
    }
  }
  const double count = static_cast<double>(height * width);
  const double rmse = std::sqrt(best.error / count);
  KernelDistance distance;
  distance.shift_y = best.shift_y;
  distance.shift_x = best.shift_x;
  distance.psnr = 20.0 * std::log10(wanted.max().item<double>() / rmse);
  distance.plain_psnr = -20.0 * std::log10(rmse);
  const int64_t rows = std::max(first.height(), second.height());
  const int64_t columns = std::max(first.width(), second.width());
  const torch::Tensor in_place = on_support(first, rows, columns) - on_support(second, rows, columns);
  distance.fkp_psnr = -10.0 * std::log10(in_place.square().mean().item<double>());
  distance.correlation = ((wanted * best.weights).sum() / (wanted.norm() * best.weights.norm())).item<double>();
  distance.aligned_l1 = 0.5 * (wanted - best.weights).abs().sum().item<double>();
  return distance;
}

}  // namespace zsr
