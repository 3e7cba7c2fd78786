#include "cli/upscale_job.h"

#include "cli/usage_error.h"
#include "cli/values.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/weights/load_weights.h"
#include "degradations/estimate.h"
#include "degradations/kernel_pca.h"
#include "kernelgan/estimate.h"
#include "srmd/srmd.h"
#include "zssr/zssr.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <chrono>
#include <cmath>

namespace zsr::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void check_output_size(const Photo& photo, const std::filesystem::path& input, const UpscaleSettings& settings) {
  const Size size = scaled_size({photo.color.size(2), photo.color.size(3)}, settings.scale);
  const double pixels = static_cast<double>(size.height) * static_cast<double>(size.width);
  if (pixels > static_cast<double>(settings.limits.max_pixels)) {
    throw InputError(
        fmt::format("'{}' x {} would be {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise "
                    "--max-pixels if you mean it",
                    input.string(), format_scale(settings.scale), size.width, size.height, pixels / 1e6,
                    static_cast<double>(settings.limits.max_pixels) / 1e6));
  }
}

struct Enlarged {
  torch::Tensor color;
  Summary summary;
};

// What --kernel auto and --noise auto found in this photo.
struct BlindFindings {
  zssr::Options options;
  nlohmann::json record;  // null when nothing was asked
  std::vector<std::string> warnings;
};

BlindFindings look_at_photo(const torch::Tensor& color, const UpscaleSettings& settings) {
  BlindFindings found{settings.zssr.options, nullptr, {}};
  const bool kernel = settings.zssr.kernel == "auto";
  const bool noise = settings.zssr.noise == "auto";
  if ((settings.method != "zssr" && settings.method != "srmd") || (!kernel && !noise)) return found;
  found.record = nlohmann::json::object();
  constexpr int64_t kLeastForNoise = 32;
  double level = 0.0;
  bool estimated = false;
  if (kernel) {
    RunContext context;
    context.seed = settings.runtime.seed;
    const kernelgan::Estimate estimate = kernelgan::estimate_kernel(color, {.scale = settings.scale.y}, context);
    level = estimate.noise;
    const bool trusted = estimate.verdict != kernelgan::Verdict::kReject;
    estimated = trusted && !estimate.bicubic;
    if (estimated) found.options.kernels = {kernelgan::cautious_kernel(estimate, settings.scale.y)};
    found.record["kernel"] = {{"sigma_1", estimate.sigma_1},
                              {"sigma_2", estimate.sigma_2},
                              {"angle", estimate.angle},
                              {"verdict", kernelgan::to_string(estimate.verdict)},
                              {"reasons", estimate.reasons},
                              {"spread", estimate.spread},
                              {"detail", estimate.detail},
                              {"jpeg_quality", estimate.jpeg_quality},
                              {"seconds", estimate.summary.train_s},
                              {"used", estimated ? "estimated" : "bicubic"}};
    std::string why;
    for (const std::string& reason : estimate.reasons) why += "; " + reason;
    if (!trusted) {
      found.warnings.push_back(fmt::format("no kernel could be estimated, taking the bicubic one{}", why));
    } else if (estimate.verdict == kernelgan::Verdict::kWeak) {
      found.warnings.push_back(fmt::format("the estimated kernel is weak{}", why));
    }
  } else if (std::min(color.size(2), color.size(3)) >= kLeastForNoise) {
    level = look_at_fine_scale(color).noise;
  }
  if (noise) {
    // Below three levels it is no more than photos have; from five on back-projection would put the grain back in.
    constexpr double kRounding = 3.0;
    constexpr double kGrain = 5.0;
    found.options.son_noise = level < kRounding ? 0.0 : level / 255.0;
    if (level >= kGrain) found.options.back_projection = 0;
    found.record["noise"] = level;
  }
  if (estimated && noise && settings.method == "zssr") {
    // An estimate may be wrong: a little noise in the sons and little back-projection keep the network from raising
    // what a kernel too wide asks it to (3 to 5 dB gained on two photos where it is; half a decibel lost where it is
    // right).
    constexpr double kCautionNoise = 1.5 / 255.0;
    constexpr int64_t kCautionBackProjection = 2;
    found.options.son_noise = std::max(found.options.son_noise, kCautionNoise);
    found.options.back_projection = std::min(found.options.back_projection, kCautionBackProjection);
  }
  return found;
}

Enlarged enlarge_by_srmd(const torch::Tensor& color, const UpscaleSettings& settings, const zssr::Options& found,
                         ProgressPrinter& progress) {
  const WeightsFile weights = load_weights(settings.weights);
  const srmd::Network network(weights);
  const auto scale = static_cast<double>(network.scale());
  if (settings.scale.y != scale || settings.scale.x != scale) {
    throw UsageError(fmt::format("'{}' enlarges by {}, not by {}; use -s {}", settings.weights, network.scale(),
                                 format_scale(settings.scale), network.scale()));
  }
  srmd::Options options;
  if (!found.kernels.empty()) options.kernel = found.kernels[0];
  // More noise than it was trained for it cannot take off; a level that the user named stands and is refused.
  options.noise = 255.0 * found.son_noise;
  if (settings.zssr.noise == "auto") options.noise = std::min(options.noise, srmd::Options::kMostNoise);
  options.self_ensemble = !settings.zssr.ensemble.empty() && found.self_ensemble;
  if (found.tile > 0) options.tile = found.tile;
  RunContext context;
  context.seed = settings.runtime.seed;
  context.progress = [&](const Progress& now) { return progress(now); };
  srmd::Result result = srmd::run(color, network, KernelPca::load(settings.pca), options, context);
  progress.finish();
  if (!network.knows_noise() && options.noise > 0.0) {
    result.summary.message = fmt::format("'{}' is a network for photos without noise; the noise of {:.1f}/255 stays",
                                         settings.weights, options.noise);
  }
  return {result.image, result.summary};
}

Enlarged enlarge(const torch::Tensor& color, int bit_depth, const UpscaleSettings& settings,
                 const zssr::Options& options, ProgressPrinter& progress) {
  if (settings.method == "bicubic") {
    ResizeOptions resize;
    resize.phase = settings.zssr.options.phase;
    // 8-bit photos go the way MATLAB goes, so that figures match published bicubic rows.
    return {bit_depth == 8 ? imresize_uint8(color, settings.scale, resize)
                           : imresize(color, settings.scale, resize).clamp_(0.0, 1.0),
            {}};
  }
  if (settings.method == "srmd") return enlarge_by_srmd(color, settings, options, progress);
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = settings.time_budget_s;
  context.progress = [&](const Progress& now) { return progress(now); };
  zssr::Result result = zssr::run(color, options, context);
  progress.finish();
  return {result.image, result.summary};
}

nlohmann::json describe_runtime_json(const UpscaleSettings& settings) {
  return {{"version", kVersion},
          {"device", settings.runtime.device.str()},
          {"threads", settings.runtime.threads},
          {"seed", settings.runtime.seed},
          {"runtime", describe_runtime()}};
}

}  // namespace

std::filesystem::path record_path(const std::filesystem::path& output) {
  return output.string() + ".zsr.json";
}

nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& settings, ProgressPrinter& progress) {
  const auto start = Clock::now();
  Photo photo = load_photo(input, settings.limits);
  check_output_size(photo, input, settings);
  WriteOptions write = settings.write;
  if (!settings.format.empty()) {
    write.format = format_from_name(settings.format);
  } else {
    write.format = output.has_extension() ? format_from_name(output) : photo.format;
  }
  if (!is_writable(write.format)) {
    throw UsageError(
        fmt::format("zsr does not write {} files; use png, jpeg, tiff, webp, pnm or bmp", to_string(write.format)));
  }
  if (photo.alpha.defined() && !holds_alpha(write.format)) {
    throw UsageError(
        fmt::format("'{}' is partly transparent and {} cannot hold that; name a .png, .tif or .webp output",
                    input.string(), to_string(write.format)));
  }
  // All that can fail for the output fails before the minutes of work.
  check_output(output, input, write.overwrite);
  std::vector<std::string> warnings = photo.notes;
  const int wanted_depth = write.bit_depth == 0 ? photo.bit_depth : write.bit_depth;
  if (wanted_depth > max_bit_depth(write.format)) {
    warnings.push_back(fmt::format("'{}' has 16 bits a sample, {} holds 8; use .png or .tif to keep them",
                                   input.string(), to_string(write.format)));
  }
  const double load_s = seconds_since(start);

  const Size low{photo.color.size(2), photo.color.size(3)};
  const torch::Tensor color = photo.alpha.defined() ? bleed_color(photo.color, photo.alpha) : photo.color;
  const BlindFindings findings = look_at_photo(color, settings);
  warnings.insert(warnings.end(), findings.warnings.begin(), findings.warnings.end());
  Enlarged enlarged = enlarge(color, photo.bit_depth, settings, findings.options, progress);
  if (!torch::isfinite(enlarged.color).all().item<bool>()) {
    throw Error(fmt::format("'{}': the result has pixels that are not numbers; nothing was written", input.string()));
  }
  photo.color = enlarged.color;
  if (photo.alpha.defined()) photo.alpha = imresize(photo.alpha, settings.scale).clamp_(0.0, 1.0);
  if (!enlarged.summary.message.empty()) warnings.push_back(enlarged.summary.message);

  const auto save_start = Clock::now();
  save_photo(photo, output, write);
  const double save_s = seconds_since(save_start);
  const bool diverged = enlarged.summary.termination == Termination::kDiverged;

  nlohmann::json record{
      {"command", "upscale"},
      {"status", diverged ? 1 : 0},
      {"input", input.string()},
      {"output", output.string()},
      {"method", settings.method},
      {"scale", {{"x", settings.scale.x}, {"y", settings.scale.y}}},
      {"input_size", {{"width", low.width}, {"height", low.height}}},
      {"output_size", {{"width", photo.color.size(3)}, {"height", photo.color.size(2)}}},
      {"channels", photo.color.size(1)},
      {"alpha", photo.alpha.defined()},
      {"bit_depth", std::min(wanted_depth, max_bit_depth(write.format))},
      {"format", to_string(write.format)},
      {"seconds",
       {{"load", load_s},
        {"train", enlarged.summary.train_s},
        {"upscale", enlarged.summary.upscale_s},
        {"save", save_s},
        {"total", seconds_since(start)}}},
      {"peak_memory_mb", static_cast<double>(peak_memory()) / 1e6},
      {"warnings", warnings},
      {"environment", describe_runtime_json(settings)},
  };
  if (settings.method == "srmd") {
    record["weights"] = settings.weights;
    record["kernel"] = settings.zssr.kernel;
    record["noise"] = 255.0 * findings.options.son_noise;
    if (!findings.record.is_null()) record["estimated"] = findings.record;
  }
  if (settings.method == "zssr") {
    record["preset"] = settings.zssr.preset;
    record["kernel"] = settings.zssr.kernel;
    record["settings"] = to_json(findings.options);
    if (!findings.record.is_null()) record["estimated"] = findings.record;
    record["steps"] = enlarged.summary.steps;
    record["final_loss"] = enlarged.summary.final_loss;
    record["termination"] = to_string(enlarged.summary.termination);
  }
  // The output itself may be a device; only a file gets a companion.
  if (settings.keep_record && std::filesystem::is_regular_file(output)) {
    write_file_atomically(record_path(output), record.dump(2) + "\n", Overwrite::kYes);
  }
  return record;
}

}  // namespace zsr::cli
