#include "kernelgan/estimate.h"

#include "core/error.h"
#include "degradations/estimation/estimate.h"
#include "kernelgan/estimators.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kLeastSide = 68;  // four pixels more than a window and the generator's patch

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

BlurKernel narrowed_kernel(const Estimate& estimate, double share, double scale) {
  return gaussian_of(
      {share * estimate.sigma_1 * estimate.sigma_1, share * estimate.sigma_2 * estimate.sigma_2, estimate.angle},
      scale);
}

const std::vector<std::string>& estimator_names() {
  static const std::vector<std::string> names = {"combined", "predictor", "spectrum", "kernelgan", "kernelgan-fkp"};
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
  if (estimator == "kernelgan-fkp") fkp.validate();
}

Estimate estimate_kernel(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context) {
  options.validate();
  const auto start = std::chrono::steady_clock::now();
  const auto finish = [&](Estimate estimate) {
    estimate.summary.train_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return estimate;
  };
  Estimate estimate{fallback_kernel(options.scale)};
  estimate.verdict = Verdict::kGood;
  set_kernel(estimate, fallback_kernel(options.scale));
  if (std::min(photo.size(2), photo.size(3)) < kLeastSide) {
    lower(estimate, Verdict::kReject,
          fmt::format("the photo is {}x{}; {} pixels a side are the least that tell a blur", photo.size(3),
                      photo.size(2), kLeastSide));
    return finish(std::move(estimate));
  }
  const double contrast = photo.std().item<double>() * 255.0;
  const FineScale fine = look_at_fine_scale(photo);
  estimate.noise = fine.noise;
  estimate.detail = fine.detail;
  estimate.jpeg_quality = fine.jpeg_quality;
  if (contrast < 2.0) {
    lower(estimate, Verdict::kReject, "the photo is flat: nothing in it tells a blur");
    return finish(std::move(estimate));
  }
  if (estimate.noise > 0.5 * contrast) {
    lower(estimate, Verdict::kReject,
          fmt::format("the photo is mostly noise ({:.0f} of {:.0f} levels)", estimate.noise, contrast));
    return finish(std::move(estimate));
  }
  try {
    if (options.estimator == "combined") {
      estimate_by_both(photo, options, estimate);
    } else if (options.estimator == "predictor") {
      estimate_by_predictor(photo, options, estimate);
    } else if (options.estimator == "spectrum") {
      estimate_by_spectrum(photo, options, estimate);
    } else {
      estimate_by_adversary(photo, options, context, estimate);
    }
  } catch (const InputError& error) {
    lower(estimate, Verdict::kReject, error.what());
    set_kernel(estimate, fallback_kernel(options.scale));
  }
  if (estimate.noise > 20.0) lower(estimate, Verdict::kWeak, fmt::format("strong noise ({:.0f}/255)", estimate.noise));
  return finish(std::move(estimate));
}

}  // namespace zsr::kernelgan
