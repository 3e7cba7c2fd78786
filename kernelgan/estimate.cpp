#include "kernelgan/estimate.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/estimate.h"
#include "kernelgan/estimate_adversary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kLeastSide = 68;  // four pixels more than a window and the generator's patch

const Estimator* find_estimator(const std::string& name) {
  const auto& rows = estimators();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Estimator& each) { return each.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

const std::vector<Estimator>& estimators() {
  using Photo = const torch::Tensor&;
  using Options = const EstimateOptions&;
  using Context = const RunContext&;
  static const std::vector<Estimator> rows = {
      {"combined", "trained predictor and spectrum together", false,
       [](Photo photo, Options options, Context, Estimate& estimate) {
         blur::estimate_by_both(photo, options.scale, estimate);
       }},
      {"predictor", "a network trained on patches of blurred photos", false,
       [](Photo photo, Options options, Context, Estimate& estimate) {
         blur::estimate_by_predictor(photo, options.scale, estimate);
       }},
      {"spectrum", "the fall of the photo's spectrum, in closed form", false,
       [](Photo photo, Options options, Context, Estimate& estimate) {
         blur::estimate_by_spectrum(photo, options.scale, estimate);
       }},
      {"kernelgan", "KernelGAN, trained on the photo alone", true,
       [](Photo photo, Options options, Context context, Estimate& estimate) {
         const auto run = [&](const RunContext& own) { return run_adversarial(photo, options.adversarial, own); };
         estimate_by_adversary(run, options.scale, options.seeds, context, estimate);
       }},
      {"kernelgan-fkp", "KernelGAN with a flow prior of kernels", true,
       [](Photo photo, Options options, Context context, Estimate& estimate) {
         const auto run = [&](const RunContext& own) { return run_fkp_adversarial(photo, options.fkp, own); };
         estimate_by_adversary(run, options.scale, options.seeds, context, estimate);
       }},
  };
  return rows;
}

std::vector<std::string> estimator_names() {
  std::vector<std::string> names;
  for (const Estimator& row : estimators()) names.push_back(row.name);
  return names;
}

void EstimateOptions::validate() const {
  if (!(scale > 1.0) || scale > 8.0)
    throw OptionError(fmt::format("scale = {:g}, must be above 1 and at most 8", scale));
  if (seeds < 1 || seeds > 20) throw OptionError(fmt::format("seeds = {}, must be 1 to 20", seeds));
  if (find_estimator(estimator) == nullptr) {
    throw OptionError(
        fmt::format("unknown estimator '{}'; there are {}", estimator, fmt::join(estimator_names(), ", ")));
  }
  adversarial.validate();
  if (estimator == "kernelgan-fkp") fkp.validate();
}

Estimate estimate_kernel(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context) {
  options.validate();
  const Session session(context);
  const auto finish = [&](Estimate estimate) {
    estimate.summary.train_s = session.elapsed_s();
    return estimate;
  };
  Estimate estimate{blur::fallback_kernel(options.scale)};
  estimate.verdict = Verdict::kGood;
  blur::set_kernel(estimate, blur::fallback_kernel(options.scale));
  estimate.photo_side = std::min(photo.size(2), photo.size(3));
  if (std::min(photo.size(2), photo.size(3)) < kLeastSide) {
    blur::lower(estimate, Verdict::kReject,
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
    blur::lower(estimate, Verdict::kReject, "the photo is flat: nothing in it tells a blur");
    return finish(std::move(estimate));
  }
  if (estimate.noise > 0.5 * contrast) {
    blur::lower(estimate, Verdict::kReject,
                fmt::format("the photo is mostly noise ({:.0f} of {:.0f} levels)", estimate.noise, contrast));
    return finish(std::move(estimate));
  }
  try {
    find_estimator(options.estimator)->run(photo, options, context, estimate);
  } catch (const InputError& error) {
    blur::lower(estimate, Verdict::kReject, error.what());
    blur::set_kernel(estimate, blur::fallback_kernel(options.scale));
  }
  if (estimate.noise > 20.0)
    blur::lower(estimate, Verdict::kWeak, fmt::format("strong noise ({:.0f}/255)", estimate.noise));
  return finish(std::move(estimate));
}

}  // namespace zsr::kernelgan
