#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "degradations/flow_prior.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "image/resize.h"
#include "kernelgan/estimate.h"
#include "pipeline/kernel_check.h"
#include "pipeline/parameters/prior_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <numbers>

namespace zsr::cli {
namespace {

struct KernelganFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string preview;
  std::string scale = "2";
  bool force = false;
  bool check = false;
  int64_t steps = 0;
  std::string prior;
  kernelgan::EstimateOptions estimate;
  CommonFlags common;
  BatchFlags batch;
};

// In a folder of kernels.
std::filesystem::path kernel_name(const std::filesystem::path& photo) {
  return std::filesystem::path(photo).replace_extension(".mat");
}

std::unique_ptr<OptionSet> make_options(KernelganFlags& flags) {
  auto options = std::make_unique<OptionSet>(
      "zsr kernelgan PHOTO... -o kernel.mat [-s 2] [options]",
      "Estimates the blur kernel of one photo and says how far to trust it (good, weak or reject).",
      "  zsr kernelgan photo.jpg -o kernel.mat\n  zsr kernelgan scans/ -o kernels/ -r --jobs 2\n"
      "  zsr kernelgan photo.jpg -o kernel.mat --estimator kernelgan --seeds 5 --preview kernel.png\n");
  options->group("Options");
  options->positional("input,i", "PHOTO", "The photo", &flags.inputs);
  options->add("output,o", "FILE", "Kernel file: .mat, .npy or .txt; for several photos a folder", &flags.output);
  options->add("preview", "FILE", "Also a picture of the kernel (.png)", &flags.preview);
  options->add("scale,s", "FACTOR", "Factor the kernel is for", &flags.scale);
  options->add("estimator", "NAME",
               "combined (a small network and the spectrum, a second), predictor, spectrum, kernelgan "
               "(adversarial) or kernelgan-fkp (adversarial with a prior of kernels)",
               &flags.estimate.estimator);
  options->add("seeds", "N", "kernelgan: runs whose spread is reported; the middle one is taken",
               &flags.estimate.seeds);
  options->add("steps", "N", "kernelgan, kernelgan-fkp: training steps; 0 = as published, 3000 and 1000", &flags.steps);
  options->add("prior", "WEIGHTS", "kernelgan-fkp: a kernel prior for x2. Default: zsr's own", &flags.prior);
  options->flag(
      "check",
      "Also train short networks with this kernel, the bicubic one and a point, and say how consistent each is "
      "with the photo",
      &flags.check);
  options->flag("force", "Replace an existing file", &flags.force);
  add_batch_flags(*options, flags.batch);
  add_common_flags(*options, flags.common);
  return options;
}

bool kernelgan_trains(const std::string& name) {
  const auto& rows = kernelgan::estimators();
  return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name && row.is_random; });
}

// Throws UsageError and OptionError.
void settle(KernelganFlags& flags, const OptionSet& given) {
  if (flags.inputs.empty() || flags.output.empty()) {
    throw UsageError("kernelgan needs a PHOTO and -o FILE, or a folder of each");
  }
  const Scale factor = parse_scale(flags.scale);
  if (factor.y != factor.x) throw UsageError("--scale must be the same for both axes here");
  kernelgan::EstimateOptions& estimate = flags.estimate;
  estimate.scale = factor.y;
  const bool trains = kernelgan_trains(estimate.estimator);
  for (const char* const flag : {"steps", "seeds"}) {
    if (given.given(flag) && !trains) {
      throw UsageError(
          fmt::format("--{}: the estimator '{}' trains nothing; name --estimator kernelgan, or leave it out", flag,
                      estimate.estimator));
    }
  }
  if (flags.steps > 0) estimate.adversarial.iterations = estimate.fkp.iterations = flags.steps;
  if (estimate.estimator == "kernelgan-fkp") {
    estimate.fkp.prior = std::make_shared<const FlowPrior>(pipeline::load_prior(flags.prior, {2.0, 2.0}));
  } else if (!flags.prior.empty()) {
    throw UsageError("--prior belongs to --estimator kernelgan-fkp");
  }
  estimate.validate();
}

// LR consistency of short ZSSR runs under the estimate and others; a kernel too wide is marked in `found`.
nlohmann::ordered_json check_estimate(const torch::Tensor& photo, double scale, const RunContext& context,
                                      kernelgan::Estimate& found) {
  if (found.verdict == kernelgan::Verdict::kReject) return nullptr;
  const pipeline::KernelCheck checked = pipeline::check_kernel(photo, found.kernel, scale, context);
  if (checked.estimated < pipeline::KernelCheck::kLeast) {
    found.verdict = std::max(found.verdict, kernelgan::Verdict::kWeak);
    found.reasons.push_back(fmt::format(
        "the result of a network trained with this kernel is the photo to {:.1f} dB only when made smaller (bicubic "
        "{:.1f}): it is too wide",
        checked.estimated, checked.bicubic));
  }
  return {{"estimated", checked.estimated}, {"bicubic", checked.bicubic}, {"point", checked.point}};
}

double degrees_of(const kernelgan::Estimate& found) {
  return found.angle * 180.0 / std::numbers::pi;
}

const char* family_name(KernelFamily family) {
  if (family == KernelFamily::kDisk) return "disk";
  return family == KernelFamily::kLine ? "motion" : "gaussian";
}

// null where it is not known.
nlohmann::ordered_json interval_json(const std::array<double, 2>& interval) {
  if (interval[1] <= 0.0) return nullptr;
  return {interval[0], interval[1]};
}

nlohmann::ordered_json estimate_json(const KernelganFlags& flags, const std::string& output, uint64_t seed,
                                     const kernelgan::Estimate& found, const nlohmann::ordered_json& consistency) {
  return {
      {"command", "kernelgan"},
      {"input", flags.inputs[0]},
      {"output", output},
      {"estimator", flags.estimate.estimator},
      {"scale", flags.estimate.scale},
      {"seed", seed},
      {"family", family_name(found.family)},
      {"family_size", found.family_size > 0.0 ? nlohmann::ordered_json(found.family_size) : nlohmann::ordered_json()},
      {"sigma_1", found.sigma_1},
      {"sigma_2", found.sigma_2},
      {"sigma_1_interval", interval_json(found.interval_1)},
      {"sigma_2_interval", interval_json(found.interval_2)},
      {"expected_error",
       found.interval_1[1] > 0.0 ? nlohmann::ordered_json(found.expected_error) : nlohmann::ordered_json()},
      {"angle_degrees", degrees_of(found)},
      {"phase", {{"y", found.kernel.phase().y}, {"x", found.kernel.phase().x}}},
      {"verdict", kernelgan::to_string(found.verdict)},
      {"reasons", found.reasons},
      {"spread", found.spread},
      {"noise", found.noise},
      {"detail", found.detail},
      {"jpeg_quality", found.jpeg_quality},
      {"consistency_db", consistency},
      {"steps", found.summary.steps},
      {"seconds", found.summary.train_s}};
}

void print_estimate(const kernelgan::Estimate& found, const nlohmann::ordered_json& consistency) {
  fmt::print(stderr, "blur sigma {:.2f} and {:.2f} pixels, the first at {:.0f} degrees; verdict {} ({:.1f} s)\n",
             found.sigma_1, found.sigma_2, degrees_of(found), kernelgan::to_string(found.verdict),
             found.summary.train_s);
  if (found.family == KernelFamily::kDisk) {
    fmt::print(stderr, "  a disk of radius {:.1f} pixels: a lens out of focus\n", found.family_size);
  } else if (found.family == KernelFamily::kLine) {
    fmt::print(stderr, "  a line of {:.1f} pixels: straight motion\n", found.family_size);
  }
  if (found.interval_1[1] > 0.0) {
    fmt::print(
        stderr,
        "  in nine of ten photos the first lies between {:.2f} and {:.2f}, the second between {:.2f} and {:.2f}\n",
        found.interval_1[0], found.interval_1[1], found.interval_2[0], found.interval_2[1]);
  }
  if (!consistency.is_null()) {
    fmt::print(stderr, "  LR consistency {:.1f} dB (bicubic kernel {:.1f}, a point {:.1f})\n",
               consistency["estimated"].get<double>(), consistency["bicubic"].get<double>(),
               consistency["point"].get<double>());
  }
  for (const std::string& reason : found.reasons) fmt::print(stderr, "  {}\n", reason);
}

int estimate_one(const KernelganFlags& flags, const std::string& output) {
  const Overwrite overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  check_output(output, flags.inputs[0], overwrite);
  const Runtime runtime = start_runtime(flags.common);
  const Photo photo = load_photo(flags.inputs[0]);
  ProgressPrinter printer(flags.common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  context.progress = [&](const Progress& now) { return printer(now); };
  kernelgan::Estimate found = kernelgan::estimate_kernel(photo.color, flags.estimate, context);
  nlohmann::ordered_json consistency;
  if (flags.check) consistency = check_estimate(photo.color, flags.estimate.scale, context, found);
  printer.finish();
  save_kernel(found.kernel, output, KernelConvention::kZssr, overwrite);
  if (!flags.preview.empty()) save_kernel(found.kernel, flags.preview, KernelConvention::kZssr, overwrite);
  if (flags.common.json) {
    fmt::print("{}\n", json_text(estimate_json(flags, output, runtime.seed, found, consistency), 2));
  } else {
    fmt::print("{}\n", output);
    if (!flags.common.quiet) print_estimate(found, consistency);
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace

int run_kernelgan(const std::vector<std::string>& arguments) {
  KernelganFlags flags;
  const auto options = make_options(flags);
  if (!options->parse(arguments)) return kExitOk;
  refuse_gpu(*options, "kernelgan");
  settle(flags, *options);
  const BatchPlan plan = plan_batch(flags.inputs, flags.output, flags.batch, {kernel_name, {}});
  if (plan.items.empty()) throw UsageError("no photos found");
  if (!plan.many) return estimate_one(flags, plan.items[0].output.string());
  if (!flags.preview.empty()) throw UsageError("--preview takes one photo at a time");
  const BatchOptions many =
      batch_options(flags.batch, flags.common, *options, {"kernelgan"}, plan, flags.output, flags.force);
  return finish_batch(run_batch(plan.items, many), many, static_cast<int64_t>(plan.items.size()), plan.not_images);
}

}  // namespace zsr::cli
