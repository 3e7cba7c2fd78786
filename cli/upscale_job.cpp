#include "cli/upscale_job.h"

#include "cli/frames.h"
#include "cli/mask_file.h"
#include "cli/result_names.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/image/metadata_table.h"
#include "core/json_bytes.h"
#include "degradations/kernel_families.h"
#include "degradations/kernel_io.h"
#include "nn/kernels/conv_backend.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <chrono>

namespace zsr::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of the result before anything is cut off.
Size output_size(const Photo& photo, const UpscaleSettings& settings) {
  const pipeline::Request& request = settings.request;
  const Scale scale = request.target_scale.value_or(request.scale);
  return request.target.value_or(scaled_size({photo.color.size(2), photo.color.size(3)}, scale));
}

void check_output_size(const Photo& photo, const std::filesystem::path& input, const UpscaleSettings& settings) {
  const Size size = output_size(photo, settings);
  const double pixels = static_cast<double>(size.height) * static_cast<double>(size.width);
  if (pixels > static_cast<double>(settings.limits.max_pixels)) {
    throw InputError(
        fmt::format("'{}' x {} would be {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise "
                    "--max-pixels if you mean it",
                    input.string(), format_scale(settings.request.target_scale.value_or(settings.request.scale)),
                    size.width, size.height, pixels / 1e6, static_cast<double>(settings.limits.max_pixels) / 1e6));
  }
}

// The photo. The message about a damaged one names the flag that accepts it.
Photo read_input(const std::filesystem::path& input, const UpscaleSettings& settings) {
  try {
    return load_photo(input, settings.limits);
  } catch (const InputError& error) {
    const std::string message = error.what();
    if (settings.limits.accept_damaged || message.find("is damaged") == std::string::npos) throw;
    throw InputError(message + "; --accept-damaged takes what can be decoded");
  }
}

// What the format cannot hold is said before the work.
void check_format_size(const std::filesystem::path& input, Size size, ImageFormat format) {
  const int64_t most = max_side(format);
  if (std::max(size.width, size.height) <= most) return;
  throw UsageError(fmt::format(
      "'{}' would become {}x{}, but a {} file has at most {} pixels a side; name a .png or .tif output, or a "
      "smaller size",
      input.string(), size.width, size.height, to_string(format), most));
}

// What the result cannot carry is said before the work. Returns it for the record.
std::vector<std::string> say_what_is_left_behind(const std::filesystem::path& input, const WriteOptions& write) {
  if (write.encode.strip) return {};
  std::vector<std::string> lost;
  try {
    lost = left_behind(input, read_photo_header(input), write.format);
  } catch (const InputError&) {
    return {};  // a damaged photo that is accepted
  }
  if (lost.empty()) return lost;
  fmt::print(stderr, "zsr: warning: '{}' carries {}, which the {} result does not keep\n", input.string(),
             fmt::join(lost, ", "), to_string(write.format));
  return lost;
}

void write_losses(const std::vector<LossPoint>& losses, const UpscaleSettings& settings) {
  std::string text = "stage,step,loss\n";
  for (const LossPoint& point : losses) text += fmt::format("{},{},{:.8g}\n", point.stage, point.step, point.loss);
  write_file_atomically(settings.loss_log, text, settings.write.overwrite);
}

// The format of the result, and whether it can hold the photo at its new size. Throws UsageError.
WriteOptions write_options(const std::filesystem::path& input, const std::filesystem::path& output, const Photo& photo,
                           const UpscaleSettings& settings) {
  WriteOptions write = settings.write;
  if (!settings.format.empty()) {
    write.format = format_from_name(settings.format);
  } else {
    write.format = output.has_extension() ? format_from_name(output) : photo.format;
  }
  if (!is_writable(write.format)) {
    throw UsageError(why_not_writable(write.format));
  }
  if (photo.alpha.defined() && !holds_alpha(write.format)) {
    throw UsageError(
        fmt::format("'{}' is partly transparent and {} cannot hold that; name a .png, .tif or .webp output",
                    input.string(), to_string(write.format)));
  }
  check_format_size(input, output_size(photo, settings), write.format);
  return write;
}

// All that can fail for the output fails before the minutes of work.
void check_output_files(const std::filesystem::path& input, const std::filesystem::path& output,
                        const UpscaleSettings& settings) {
  make_folder_of(output);
  check_output(output, input, settings.write.overwrite);
  if (settings.keep_record && !is_device(output))
    check_name(record_path(output), "the record; --no-record leaves it out");
}

pipeline::Outcome run_pipeline(const std::filesystem::path& input, Photo photo, const UpscaleSettings& settings,
                               ProgressPrinter& progress) {
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = settings.time_budget_s;
  context.progress = [&](const Progress& now) { return progress(now); };
  FrameKeeper frames(settings.frames);
  pipeline::Hooks hooks;
  hooks.frame = frames.taker();
  hooks.note = [&](const std::string& sentence) {
    if (settings.common.quiet) return;
    progress.finish();
    fmt::print(stderr, "{}\n", sentence);
  };
  std::vector<LossPoint> losses;
  progress.keep_losses(settings.loss_log.empty() ? nullptr : &losses);
  try {
    pipeline::Outcome outcome = pipeline::upscale(std::move(photo), settings.request, context, hooks);
    progress.finish();
    progress.keep_losses(nullptr);
    frames.finish(outcome.photo.color, settings.write.overwrite);
    if (!settings.loss_log.empty()) write_losses(losses, settings);
    return outcome;
  } catch (const pipeline::UnusableResult& error) {
    throw Error(fmt::format("'{}': {}", input.string(), error.what()));
  }
}

void write_side_files(const pipeline::Outcome& outcome, const UpscaleSettings& settings) {
  if (!settings.save_kernel.empty()) {
    const BlurKernel kernel = outcome.kernel
                                  ? *outcome.kernel
                                  : make_kernel({.family = KernelFamily::kBicubic, .scale = settings.request.scale.y});
    save_kernel(kernel, settings.save_kernel, KernelConvention::kZssr, settings.write.overwrite);
  }
  if (!settings.save_mask.empty()) write_mask(outcome.mask, settings.save_mask, settings.write.overwrite);
}

}  // namespace

std::filesystem::path record_path(const std::filesystem::path& output) {
  return output.string() + ".zsr.json";
}

nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& settings, ProgressPrinter& progress) {
  const auto start = Clock::now();
  Photo photo = read_input(input, settings);
  check_output_size(photo, input, settings);
  const WriteOptions write = write_options(input, output, photo, settings);
  check_output_files(input, output, settings);
  const int wanted_depth = write.bit_depth == 0 ? photo.bit_depth : write.bit_depth;
  if (wanted_depth > max_bit_depth(write.format)) {
    photo.notes.push_back(fmt::format("'{}' has 16 bits a sample, {} holds 8; use .png or .tif to keep them",
                                      input.string(), to_string(write.format)));
  }
  const std::vector<std::string> lost = say_what_is_left_behind(input, write);
  const std::string damage = photo.damage;
  const double load_s = seconds_since(start);

  const pipeline::Outcome outcome = run_pipeline(input, std::move(photo), settings, progress);
  const auto save_start = Clock::now();
  save_photo(outcome.photo, output, write);
  if (settings.keep_time && !is_device(output)) copy_file_time(input, output);
  write_side_files(outcome, settings);
  const double save_s = seconds_since(save_start);

  nlohmann::json record = outcome.record;
  record["command"] = "upscale";
  record["status"] = outcome.summary.termination == Termination::kDiverged ? 1 : 0;
  record["input"] = input.string();
  record["output"] = output.string();
  record["channels"] = outcome.photo.color.size(1);
  record["alpha"] = outcome.photo.alpha.defined();
  record["bit_depth"] = std::min(wanted_depth, max_bit_depth(write.format));
  record["format"] = to_string(write.format);
  record["seconds"] = {{"load", load_s},
                       {"train", outcome.summary.train_s},
                       {"upscale", outcome.summary.upscale_s},
                       {"save", save_s},
                       {"total", seconds_since(start)}};
  record["peak_memory_mb"] = static_cast<double>(peak_memory()) / 1e6;
  record["warnings"] = outcome.warnings;
  record["environment"] = {{"version", build_identity()},
                           {"device", outcome.record["device"]},
                           {"threads", settings.runtime.threads},
                           {"seed", settings.runtime.seed},
                           {"runtime", describe_runtime(describe_conv_backend())}};
  if (!lost.empty()) record["not_kept"] = lost;
  if (settings.size_request) record["size_request"] = settings.size_request->text();
  if (!damage.empty()) record["accepted_damage"] = damage;
  // The output itself may be a device; only a file gets a companion.
  if (settings.keep_record && !is_device(output) && std::filesystem::is_regular_file(output)) {
    write_file_atomically(record_path(output), json_text(record, 2) + "\n", Overwrite::kYes);
  }
  return record;
}

}  // namespace zsr::cli
