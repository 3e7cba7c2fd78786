#include "degradations/estimation/blur/blur_evidence.h"

#include "core/error.h"
#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/blur/spectrum.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::blur {
namespace {

// Parts of the spectrum, cycles per pixel, whose fall is measured: the two that covariance_by_spectrum uses, and the
// lower and the upper end, since photos and kernels do not fall alike.
constexpr std::array<std::array<double, 2>, 5> kBands = {
    {{0.08, 0.42}, {0.08, 0.28}, {0.08, 0.20}, {0.20, 0.42}, {0.15, 0.35}}};

// Edges of the rings over which the logarithm of the power is averaged, cycles per pixel.
constexpr std::array<double, 17> kRings = {0.04, 0.07, 0.10, 0.13, 0.16, 0.19, 0.22, 0.25, 0.28,
                                           0.31, 0.34, 0.37, 0.40, 0.43, 0.46, 0.50, 0.60};

// The logarithm of what one part of the spectrum tells, within limits: a flat one tells a negative variance.
std::array<double, 3> bounded_log(const std::optional<BlurMoments>& moments) {
  constexpr double kLeast = 0.05;  // of xx + yy
  if (!moments || moments->xx + moments->yy <= kLeast) return {-3.0, 0.0, 0.0};
  const std::array<double, 3> log = log_of({moments->xx, moments->yy, moments->xy});
  return {std::clamp(log[0], -2.5, 1.2), std::clamp(log[1], -1.5, 1.5), std::clamp(log[2], -1.5, 1.5)};
}

std::optional<BlurMoments> fit_band(const LogSpectrum& spectrum, double noise, const std::array<double, 2>& band) {
  try {
    return fit_blur(spectrum, noise, band[0], band[1]);
  } catch (const InputError&) {
    return std::nullopt;  // lost in noise
  }
}

// Mean log power of the rings against the first, with the fall that photos have taken off.
void append_rings(const LogSpectrum& spectrum, std::vector<double>& features) {
  constexpr int64_t kWindow = LogSpectrum::kWindow;
  constexpr double kSlope = 2.4;
  std::array<double, kRings.size() - 1> sum{};
  std::array<double, kRings.size() - 1> count{};
  const auto power = spectrum.log_power.accessor<double, 2>();
  for (int64_t y = 0; y < kWindow; ++y) {
    for (int64_t x = 0; x <= kWindow / 2; ++x) {
      const double fy = static_cast<double>(y < kWindow / 2 ? y : y - kWindow) / kWindow;
      const double f = std::hypot(fy, static_cast<double>(x) / kWindow);
      const auto above = std::upper_bound(kRings.begin(), kRings.end(), f);
      if (above == kRings.begin() || above == kRings.end()) continue;
      const auto ring = static_cast<size_t>(above - kRings.begin() - 1);
      // Column 0 and the last hold each frequency twice.
      const double weight = x == 0 || x == kWindow / 2 ? 0.5 : 1.0;
      sum[ring] += weight * power[y][x];
      count[ring] += weight;
    }
  }
  const auto level = [&](size_t ring) {
    return sum[ring] / count[ring] + kSlope * std::log(0.5 * (kRings[ring] + kRings[ring + 1]));
  };
  for (size_t ring = 1; ring < sum.size(); ++ring) features.push_back(level(ring) - level(0));
}

// Log sizes that the predictor gives to single patches: least, deciles and quartiles, deviation. The sharpest parts of
// a photo tell the kernel, the others are soft by themselves too.
void append_single_patches(const std::vector<PatchFeatures>& patches, std::vector<double>& features) {
  std::vector<double> sizes;
  for (const PatchFeatures& patch : patches) {
    const Covariance c = predict_blur(BlurPredictor::shipped(), {patch}).covariance;
    sizes.push_back(log_of(c)[0]);
  }
  const torch::Tensor all = torch::tensor(sizes, torch::kFloat64);
  for (const double part : {0.0, 0.10, 0.25, 0.50, 0.75, 0.90}) {
    features.push_back(all.quantile(part).item<double>());
  }
  features.push_back(all.std(false).item<double>());
  features.push_back(1.0 / std::sqrt(static_cast<double>(sizes.size())));
}

// Logarithm of the mean features of all patches, mean over the four ways to look at them.
void append_mean_features(const std::vector<PatchFeatures>& patches, std::vector<double>& features) {
  constexpr double kLeast = 1e-3;
  torch::Tensor sum = torch::zeros({4, patches[0].features.size(1)}, torch::kFloat64);
  for (const PatchFeatures& patch : patches) sum += patch.features.to(torch::kFloat64);
  const torch::Tensor mean = (sum / static_cast<double>(patches.size()) + kLeast).log().mean(0).contiguous();
  features.insert(features.end(), mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel());
}

Spoiled how_spoiled(const KnownOfPhoto& known) {
  constexpr double kNoisy = 1.5;
  if (known.jpeg_quality > 0) return Spoiled::kJpeg;
  return known.noise > kNoisy ? Spoiled::kNoise : Spoiled::kNot;
}

}  // namespace

BlurEvidence gather_evidence(const torch::Tensor& photo, const KnownOfPhoto& known) {
  BlurEvidence evidence;
  evidence.spoiled = how_spoiled(known);
  const std::vector<PatchFeatures> patches = patch_features(BlurPredictor::shipped(), photo_luma(photo));
  const PredictedBlur predicted = predict_blur(BlurPredictor::shipped(), patches);
  evidence.patches = predicted.covariance;
  evidence.quarters = variances_of_quarters(patches, photo.size(2), photo.size(3));

  const LogSpectrum spectrum = log_spectrum(photo);
  const double noise = known.noise > 1.0 ? known.noise / 255.0 : 0.0;
  std::array<std::optional<BlurMoments>, kBands.size()> bands;
  for (size_t i = 0; i < kBands.size(); ++i) bands[i] = fit_band(spectrum, noise, kBands[i]);
  // Compression empties the top of the spectrum, which would look like blur.
  const auto& trusted = bands[known.jpeg_quality > 0 && known.jpeg_quality < 85 ? 1 : 0];
  if (trusted) evidence.spectrum = Covariance{trusted->xx, trusted->yy, trusted->xy};

  const std::array<double, 3> size = log_of(evidence.patches);
  const std::array<double, 3> whole = bounded_log(bands[0]);
  const std::array<double, 3> lower = bounded_log(bands[1]);
  evidence.stretch = {{{size[1], whole[1], lower[1]}, {size[2], whole[2], lower[2]}}};
  std::vector<double>& features = evidence.features;
  features = {size[0], size[0] * size[0], std::log(predicted.expected_error)};
  for (const auto& band : bands) features.push_back(bounded_log(band)[0]);
  features.push_back(whole[0] * whole[0]);
  append_single_patches(patches, features);
  const auto quality = static_cast<double>(known.jpeg_quality);
  constexpr double kLevel = 0.3;  // keeps the logarithms of small levels finite
  constexpr double kMostResidual = 1.5;
  features.insert(features.end(), {std::log(known.noise + kLevel), std::log(known.detail + kLevel),
                                   quality > 0.0 ? 1.0 : 0.0, quality > 0.0 ? (100.0 - quality) / 50.0 : 0.0,
                                   bands[0] ? std::min(bands[0]->residual, kMostResidual) : kMostResidual});
  append_rings(spectrum, features);
  append_mean_features(patches, features);
  return evidence;
}

}  // namespace zsr::blur
