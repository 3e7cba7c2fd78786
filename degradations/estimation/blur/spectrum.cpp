#include "degradations/estimation/blur/spectrum.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace zsr::blur {
namespace {

constexpr double kSlope = 2.4;
constexpr double kEulerGamma = 0.5772156649015329;  // the mean log of an exponential variable of mean 1 is minus this

}  // namespace

torch::Tensor photo_luma(const torch::Tensor& photo) {
  const torch::Tensor rgb = photo[0].to(torch::kCPU, torch::kFloat32);
  return (rgb.size(0) == 3 ? 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] : rgb[0]).contiguous();
}

LogSpectrum log_spectrum(const torch::Tensor& image) {
  constexpr int64_t kWindow = LogSpectrum::kWindow;
  if (image.size(2) < kWindow || image.size(3) < kWindow) {
    throw InputError(fmt::format("the photo is {}x{}; its spectrum needs at least {}x{} pixels", image.size(3),
                                 image.size(2), kWindow, kWindow));
  }
  const torch::Tensor luma = photo_luma(image);
  torch::Tensor windows =
      luma.unfold(0, kWindow, kWindow / 2).unfold(1, kWindow, kWindow / 2).reshape({-1, kWindow, kWindow});
  windows = windows - windows.mean(std::vector<int64_t>{1, 2}, true);
  const torch::Tensor line = torch::hann_window(kWindow, torch::kFloat32);
  const torch::Tensor taper = line.unsqueeze(1) * line.unsqueeze(0);
  windows = windows * taper;
  const torch::Tensor energy = windows.square().sum(std::vector<int64_t>{1, 2});
  const int64_t kept = std::max<int64_t>(1, windows.size(0) * 2 / 3);
  const torch::Tensor strongest = std::get<1>(energy.topk(kept));
  LogSpectrum spectrum;
  torch::Tensor sum = torch::zeros({kWindow, kWindow / 2 + 1}, torch::kFloat64);
  constexpr int64_t kBatch = 512;  // bounds the memory for large photos
  for (int64_t begin = 0; begin < kept; begin += kBatch) {
    const torch::Tensor some = windows.index_select(0, strongest.slice(0, begin, std::min(kept, begin + kBatch)));
    const torch::Tensor power = torch::abs(torch::fft_rfft2(some)).square().to(torch::kFloat64);
    sum += power.clamp_min(1e-12).log().sum(0);
  }
  spectrum.log_power = sum / static_cast<double>(kept);
  spectrum.windows = kept;
  spectrum.window_energy = taper.square().sum().item<double>();
  return spectrum;
}

BlurMoments fit_blur(const LogSpectrum& spectrum, double noise, double low, double high) {
  constexpr int64_t kWindow = LogSpectrum::kWindow;
  const auto power = spectrum.log_power.accessor<double, 2>();
  const double floor = noise > 0.0 ? std::exp(std::log(noise * noise * spectrum.window_energy) - kEulerGamma) : 0.0;
  std::vector<double> rows;
  std::vector<double> values;
  for (int64_t y = 0; y < kWindow; ++y) {
    for (int64_t x = 0; x <= kWindow / 2; ++x) {
      // Column 0 and the last hold each frequency twice.
      if ((x == 0 || x == kWindow / 2) && y > kWindow / 2) continue;
      const double fy = static_cast<double>(y <= kWindow / 2 ? y : y - kWindow) / kWindow;
      const double fx = static_cast<double>(x) / kWindow;
      const double f = std::hypot(fx, fy);
      if (f < low || f > high) continue;
      const double signal = std::exp(power[y][x]) - floor;
      if (signal < floor) continue;
      const double scale = -4.0 * std::numbers::pi * std::numbers::pi;
      rows.insert(rows.end(), {1.0, scale * fx * fx, scale * fy * fy, scale * 2.0 * fx * fy});
      values.push_back(std::log(signal) + kSlope * std::log(f));
    }
  }
  BlurMoments moments;
  moments.used = static_cast<int64_t>(values.size());
  if (moments.used < 40) {
    throw InputError("the photo's spectrum is lost in noise; its blur cannot be estimated");
  }
  const torch::Tensor matrix = torch::tensor(rows, torch::kFloat64).view({-1, 4});
  const torch::Tensor wanted = torch::tensor(values, torch::kFloat64).view({-1, 1});
  const torch::Tensor normal = torch::matmul(matrix.t(), matrix);
  const torch::Tensor solution = torch::matmul(torch::linalg_inv(normal), torch::matmul(matrix.t(), wanted));
  moments.xx = solution[1][0].item<double>();
  moments.yy = solution[2][0].item<double>();
  moments.xy = solution[3][0].item<double>();
  moments.residual = (torch::matmul(matrix, solution) - wanted).square().mean().sqrt().item<double>();
  return moments;
}

}  // namespace zsr::blur
