#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/common_flags.h"
#include "cli/dip_flags.h"
#include "cli/interrupt.h"
#include "cli/kernel_check.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/refusals.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/device.h"
#include "core/error.h"
#include "core/image/photo.h"
#include "core/json_bytes.h"
#include "degradations/kernel_io.h"
#include "kernelgan/estimate.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <numbers>

namespace zsr::cli {
namespace {

// In a folder of kernels.
std::filesystem::path kernel_name(const std::filesystem::path& photo) {
  return std::filesystem::path(photo).replace_extension(".mat");
}

}  // namespace

int run_kernelgan(const std::vector<std::string>& arguments) {
  std::vector<std::string> inputs;
  std::string output;
  std::string preview;
  std::string scale = "2";
  bool force = false;
  bool check = false;
  int64_t steps = 0;
  DipFlags prior;
  kernelgan::EstimateOptions estimate_options;
  CommonFlags common;
  BatchFlags batch;
  OptionSet options("zsr kernelgan PHOTO... -o kernel.mat [-s 2] [options]",
                    "Estimates the blur kernel of one photo and says how far to trust it (good, weak or reject).",
                    "  zsr kernelgan photo.jpg -o kernel.mat\n  zsr kernelgan scans/ -o kernels/ -r --jobs 2\n"
                    "  zsr kernelgan photo.jpg -o kernel.mat --estimator kernelgan --seeds 5 --preview kernel.png\n");
  options.group("Options");
  options.positional("input,i", "PHOTO", "The photo", &inputs);
  options.add("output,o", "FILE", "Kernel file: .mat, .npy or .txt; for several photos a folder", &output);
  options.add("preview", "FILE", "Also a picture of the kernel (.png)", &preview);
  options.add("scale,s", "FACTOR", "Factor the kernel is for", &scale);
  options.add("estimator", "NAME",
              "combined (a small network and the spectrum, a second), predictor, spectrum, kernelgan "
              "(adversarial) or kernelgan-fkp (adversarial with a prior of kernels)",
              &estimate_options.estimator);
  options.add("seeds", "N", "kernelgan: runs whose spread is told; the middle one is taken", &estimate_options.seeds);
  options.add("steps", "N", "kernelgan, kernelgan-fkp: training steps; 0 = as published, 3000 and 1000", &steps);
  options.add("prior", "WEIGHTS", "kernelgan-fkp: a kernel prior for x2. Default: zsr's own", &prior.prior);
  options.flag("check",
               "Also train short networks with this kernel, the bicubic one and a point, and tell how well each brings "
               "the photo back",
               &check);
  options.flag("force", "Replace an existing file", &force);
  add_batch_flags(options, batch);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  refuse_gpu(options, "kernelgan");
  if (inputs.empty() || output.empty()) throw UsageError("kernelgan needs a PHOTO and -o FILE, or a folder of each");
  const Scale factor = parse_scale(scale);
  if (factor.y != factor.x) throw UsageError("--scale must be the same for both axes here");
  estimate_options.scale = factor.y;
  if (steps > 0) estimate_options.adversarial.iterations = estimate_options.fkp.iterations = steps;
  if (estimate_options.estimator == "kernelgan-fkp") {
    estimate_options.fkp.prior = std::make_shared<const FlowPrior>(load_prior(prior, {2.0, 2.0}));
  } else if (!prior.prior.empty()) {
    throw UsageError("--prior belongs to --estimator kernelgan-fkp");
  }
  estimate_options.validate();
  const BatchPlan plan = plan_batch(inputs, output, batch, {kernel_name, {}});
  if (plan.items.empty()) throw UsageError("no photos found");
  if (plan.many) {
    if (!preview.empty()) throw UsageError("--preview takes one photo at a time");
    const BatchOptions many = batch_options(batch, common, options, {"kernelgan"}, plan, output, force);
    return finish_batch(run_batch(plan.items, many), many, static_cast<int64_t>(plan.items.size()), plan.not_images);
  }
  output = plan.items[0].output.string();
  const Overwrite overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  check_output(output, inputs[0], overwrite);
  const Runtime runtime = start_runtime(common);
  const Photo photo = load_photo(inputs[0]);
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  context.progress = [&](const Progress& now) { return printer(now); };
  kernelgan::Estimate found = kernelgan::estimate_kernel(photo.color, estimate_options, context);
  nlohmann::ordered_json consistency;
  if (check && found.verdict != kernelgan::Verdict::kReject) {
    const KernelCheck checked = check_kernel(photo.color, found.kernel, factor.y, context);
    consistency = {{"estimated", checked.estimated}, {"bicubic", checked.bicubic}, {"point", checked.point}};
    if (checked.estimated < KernelCheck::kLeast) {
      found.verdict = std::max(found.verdict, kernelgan::Verdict::kWeak);
      found.reasons.push_back(fmt::format(
          "a network trained with this kernel brings the photo back to {:.1f} dB only (bicubic {:.1f}): it is too wide",
          checked.estimated, checked.bicubic));
    }
  }
  printer.finish();
  save_kernel(found.kernel, output, KernelConvention::kZssr, overwrite);
  if (!preview.empty()) save_kernel(found.kernel, preview, KernelConvention::kZssr, overwrite);
  const double degrees = found.angle * 180.0 / std::numbers::pi;
  if (common.json) {
    const nlohmann::ordered_json json{{"command", "kernelgan"},
                                      {"input", inputs[0]},
                                      {"output", output},
                                      {"estimator", estimate_options.estimator},
                                      {"scale", factor.y},
                                      {"seed", runtime.seed},
                                      {"sigma_1", found.sigma_1},
                                      {"sigma_2", found.sigma_2},
                                      {"angle_degrees", degrees},
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
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", output);
    if (!common.quiet) {
      fmt::print(stderr, "blur sigma {:.2f} and {:.2f} pixels, the first at {:.0f} degrees; verdict {} ({:.1f} s)\n",
                 found.sigma_1, found.sigma_2, degrees, kernelgan::to_string(found.verdict), found.summary.train_s);
      if (!consistency.is_null()) {
        fmt::print(stderr, "  brings the photo back to {:.1f} dB (bicubic kernel {:.1f}, a point {:.1f})\n",
                   consistency["estimated"].get<double>(), consistency["bicubic"].get<double>(),
                   consistency["point"].get<double>());
      }
      for (const std::string& reason : found.reasons) fmt::print(stderr, "  {}\n", reason);
    }
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
