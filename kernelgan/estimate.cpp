#include "kernelgan/estimate.h"

#include "core/error.h"
#include "degradations/estimate.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"
#include "kernelgan/spectrum.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr double kNoAgreement = 10.0;  // also where the parts have no blur that could be compared
constexpr int64_t kLeastSide = 68;     // four pixels more than a window and the generator's patch

// Variances (larger, smaller) and angle of moments.
struct Axes {
  double first = 0.0;
  double second = 0.0;
  double angle = 0.0;
};

Axes axes_of(double xx, double yy, double xy) {
  const double middle = 0.5 * (xx + yy);
  const double half = std::hypot(0.5 * (xx - yy), xy);
  return {middle + half, middle - half, half < 1e-12 ? 0.0 : 0.5 * std::atan2(2.0 * xy, xx - yy)};
}

// A Gaussian of that covariance (HR pixels), aligned for `scale`.
BlurKernel gaussian_of(const Axes& axes, double scale) {
  KernelSpec spec;
  spec.sigma_1 = std::sqrt(axes.first);
  spec.sigma_2 = std::sqrt(axes.second);
  spec.angle = axes.angle;
  spec.offset = 0.5 * (scale - 1.0);
  spec.size = 2 * static_cast<int64_t>(std::ceil(3.0 * spec.sigma_1 + spec.offset)) + 1;
  return make_kernel(spec);
}

BlurKernel fallback(double scale) {
  const double whole = std::round(scale);
  if (std::abs(scale - whole) < 1e-9 && whole >= 2.0) {
    return make_kernel({.family = KernelFamily::kBicubic, .scale = whole});
  }
  return gaussian_of({0.2 * scale * scale, 0.2 * scale * scale, 0.0}, scale);
}

void lower(Estimate& estimate, Verdict verdict, std::string reason) {
  estimate.verdict = std::max(estimate.verdict, verdict);
  estimate.reasons.push_back(std::move(reason));
}

void set_kernel(Estimate& estimate, const BlurKernel& kernel) {
  estimate.kernel = kernel;
  const GaussianFit fit = fit_gaussian(kernel);
  estimate.sigma_1 = fit.sigma_1;
  estimate.sigma_2 = fit.sigma_2;
  estimate.angle = fit.angle;
}

// Relative disagreement of variances: the mean distance from their mean, over both axes, against the mean variance.
double disagreement(const std::vector<std::array<double, 2>>& variances) {
  if (variances.size() < 2) return 0.0;
  double mean = 0.0;
  std::array<double, 2> center{};
  for (const auto& v : variances) {
    for (size_t a = 0; a < 2; ++a) center[a] += v[a] / static_cast<double>(variances.size());
  }
  mean = 0.5 * (center[0] + center[1]);
  double away = 0.0;
  for (const auto& v : variances) {
    for (size_t a = 0; a < 2; ++a) away += std::abs(v[a] - center[a]) / (2.0 * static_cast<double>(variances.size()));
  }
  return mean > 0.0 ? std::min(away / mean, kNoAgreement) : kNoAgreement;
}

void by_spectrum(const torch::Tensor& photo, const EstimateOptions& options, Estimate& estimate) {
  const double noise = estimate.noise > 1.0 ? estimate.noise / 255.0 : 0.0;
  // Compression empties the top of the spectrum, which would look like blur.
  const double high = estimate.jpeg_quality > 0 && estimate.jpeg_quality < 85 ? 0.28 : 0.42;
  const double area = options.scale * options.scale;
  const auto moments_of = [&](const torch::Tensor& part) {
    const BlurMoments m = fit_blur(log_spectrum(part), noise, 0.08, high);
    return BlurMoments{m.xx * area, m.yy * area, m.xy * area, m.residual, m.used};
  };
  const BlurMoments whole = moments_of(photo);
  Axes axes = axes_of(whole.xx, whole.yy, whole.xy);
  // The narrowest blur that a downscaling of this factor can have; below, the photo was sharpened or aliased.
  const double least = 0.04 * area;
  if (axes.first < least) {
    lower(estimate, Verdict::kReject, "the photo is as sharp as its pixels allow (sharpened, or sampled without blur)");
    set_kernel(estimate, fallback(options.scale));
    return;
  }
  if (axes.second < least) axes.second = least;
  set_kernel(estimate, gaussian_of(axes, options.scale));

  const int64_t half_y = photo.size(2) / 2;
  const int64_t half_x = photo.size(3) / 2;
  if (std::min(half_y, half_x) >= 2 * LogSpectrum::kWindow) {
    std::vector<std::array<double, 2>> variances;
    for (const int64_t y : {int64_t{0}, photo.size(2) - half_y}) {
      for (const int64_t x : {int64_t{0}, photo.size(3) - half_x}) {
        try {
          const BlurMoments m = moments_of(photo.slice(2, y, y + half_y).slice(3, x, x + half_x));
          variances.push_back({m.xx, m.yy});
        } catch (const InputError&) {
          continue;
        }
      }
    }
    estimate.spread = disagreement(variances);
    if (estimate.spread >= kNoAgreement) {
      lower(estimate, Verdict::kReject, "the quarters of the photo hold no blur that can be told");
    } else if (estimate.spread > 0.35) {
      lower(estimate, Verdict::kWeak,
            fmt::format("the quarters of the photo disagree by {:.0f} %: the blur varies, or parts hold no texture",
                        100.0 * estimate.spread));
    }
  } else {
    lower(estimate, Verdict::kWeak, "the photo is small: its quarters cannot be compared");
  }
  if (whole.residual > 0.5) {
    lower(estimate, Verdict::kWeak,
          fmt::format("its spectrum is not that of a blurred photo (residual {:.2f})", whole.residual));
  }
  if (axes.first > 1.6 * area) {
    lower(
        estimate, Verdict::kReject,
        fmt::format("the top of its spectrum is empty (blur of {:.1f} pixels at this size): it was enlarged before, or "
                    "is out of focus",
                    std::sqrt(axes.first / area)));
  }
}

void by_adversary(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context,
                  Estimate& estimate) {
  std::vector<BlurKernel> kernels;
  std::vector<std::array<double, 2>> variances;
  for (int64_t run = 0; run < options.seeds; ++run) {
    AdversarialResult result = [&] {
      RunContext own = context;
      own.seed = context.seed + static_cast<uint64_t>(run);
      AdversarialResult first = run_adversarial(photo, options.adversarial, own);
      if (first.summary.termination != Termination::kDiverged) return first;
      own.seed += 1000003;  // once more from another start
      return run_adversarial(photo, options.adversarial, own);
    }();
    estimate.summary.steps += result.summary.steps;
    estimate.summary.termination = result.summary.termination;
    if (result.summary.termination == Termination::kDiverged) continue;
    const GaussianFit fit = fit_gaussian(result.kernel);
    kernels.push_back(result.kernel);
    variances.push_back({fit.sigma_1 * fit.sigma_1, fit.sigma_2 * fit.sigma_2});
    if (result.summary.termination == Termination::kStopped) break;
  }
  if (kernels.empty()) {
    lower(estimate, Verdict::kReject, "the generator's kernel collapsed, with another seed too");
    set_kernel(estimate, fallback(options.scale));
    return;
  }
  // The run in the middle of the others.
  size_t best = 0;
  double least = 1e300;
  for (size_t i = 0; i < kernels.size(); ++i) {
    double away = 0.0;
    for (const auto& other : variances) {
      away += std::abs(other[0] - variances[i][0]) + std::abs(other[1] - variances[i][1]);
    }
    if (away < least) {
      least = away;
      best = i;
    }
  }
  estimate.spread = disagreement(variances);
  BlurKernel kernel = kernels[best];
  if (options.scale == 4.0) {
    kernel = compose(kernel, 2);
  } else if (options.scale != 2.0) {
    // The Gaussian of the x2 kernel, scaled: what KernelGAN itself does not offer.
    const GaussianFit fit = fit_gaussian(kernel);
    const double factor = options.scale / 2.0;
    kernel =
        gaussian_of({std::pow(fit.sigma_1 * factor, 2), std::pow(fit.sigma_2 * factor, 2), fit.angle}, options.scale);
    lower(estimate, Verdict::kWeak, "the kernel is the Gaussian fitted to the x2 kernel, scaled to this factor");
  }
  set_kernel(estimate, kernel);
  if (estimate.spread > 0.35) {
    lower(estimate, Verdict::kWeak,
          fmt::format("{} seeds disagree by {:.0f} %", kernels.size(), 100.0 * estimate.spread));
  }
}

}  // namespace

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "good";
    case Verdict::kWeak:
      return "weak";
    case Verdict::kReject:
      break;
  }
  return "reject";
}

const std::vector<std::string>& estimator_names() {
  static const std::vector<std::string> names = {"spectrum", "kernelgan"};
  return names;
}

void EstimateOptions::validate() const {
  if (!(scale > 1.0) || scale > 8.0)
    throw OptionError(fmt::format("scale = {:g}, must be above 1 and at most 8", scale));
  if (seeds < 1 || seeds > 20) throw OptionError(fmt::format("seeds = {}, must be 1 to 20", seeds));
  const auto& names = estimator_names();
  if (std::find(names.begin(), names.end(), estimator) == names.end()) {
    std::string all;
    for (const std::string& name : names) all += fmt::format("{}{}", all.empty() ? "" : ", ", name);
    throw OptionError(fmt::format("unknown estimator '{}'; there are {}", estimator, all));
  }
  adversarial.validate();
}

Estimate estimate_kernel(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context) {
  options.validate();
  const auto start = std::chrono::steady_clock::now();
  const auto finish = [&](Estimate estimate) {
    estimate.summary.train_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return estimate;
  };
  Estimate estimate{fallback(options.scale)};
  estimate.verdict = Verdict::kGood;
  set_kernel(estimate, fallback(options.scale));
  if (std::min(photo.size(2), photo.size(3)) < kLeastSide) {
    lower(estimate, Verdict::kReject,
          fmt::format("the photo is {}x{}; {} pixels a side are the least that tell a blur", photo.size(3),
                      photo.size(2), kLeastSide));
    return finish(std::move(estimate));
  }
  const double contrast = photo.std().item<double>() * 255.0;
  estimate.noise = estimate_noise(photo);
  if (contrast < 2.0) {
    lower(estimate, Verdict::kReject, "the photo is flat: nothing in it tells a blur");
    return finish(std::move(estimate));
  }
  if (estimate.noise > 0.5 * contrast) {
    lower(estimate, Verdict::kReject,
          fmt::format("the photo is mostly noise ({:.0f} of {:.0f} levels)", estimate.noise, contrast));
    return finish(std::move(estimate));
  }
  if (const auto jpeg = jpeg_quality_of_pixels(photo)) estimate.jpeg_quality = jpeg->quality;
  try {
    if (options.estimator == "spectrum") {
      by_spectrum(photo, options, estimate);
    } else {
      by_adversary(photo, options, context, estimate);
    }
  } catch (const InputError& error) {
    lower(estimate, Verdict::kReject, error.what());
    set_kernel(estimate, fallback(options.scale));
  }
  if (estimate.noise > 20.0) lower(estimate, Verdict::kWeak, fmt::format("strong noise ({:.0f}/255)", estimate.noise));
  return finish(std::move(estimate));
}

}  // namespace zsr::kernelgan
