#include "cli/upscale_job.h"

#include "cli/blind.h"
#include "cli/enlarge.h"
#include "cli/result_names.h"
#include "cli/touch_up.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/image/metadata_table.h"
#include "core/json_bytes.h"
#include "degradations/kernel_families.h"
#include "degradations/kernel_io.h"
#include "degradations/photo_condition.h"
#include "nn/kernels/conv_backend.h"
#include "pipeline/choose_formation.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace zsr::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of the result.
Size output_size(const Photo& photo, const UpscaleSettings& settings) {
  return settings.target.value_or(scaled_size({photo.color.size(2), photo.color.size(3)}, settings.scale));
}

// A plane of the photo, enlarged already by `settings.scale`, at the size that was asked for.
torch::Tensor at_target(const torch::Tensor& image, const UpscaleSettings& settings) {
  if (!settings.target) return image;
  const Size target = *settings.target;
  if (image.size(2) == target.height && image.size(3) == target.width) return image;
  const Scale scale{static_cast<double>(target.height) / static_cast<double>(image.size(2)),
                    static_cast<double>(target.width) / static_cast<double>(image.size(3))};
  return imresize(image, scale, target).clamp_(0.0, 1.0);
}

void check_output_size(const Photo& photo, const std::filesystem::path& input, const UpscaleSettings& settings) {
  const Size size = output_size(photo, settings);
  const double pixels = static_cast<double>(size.height) * static_cast<double>(size.width);
  if (pixels > static_cast<double>(settings.limits.max_pixels)) {
    throw InputError(
        fmt::format("'{}' x {} would be {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise "
                    "--max-pixels if you mean it",
                    input.string(), format_scale(settings.scale), size.width, size.height, pixels / 1e6,
                    static_cast<double>(settings.limits.max_pixels) / 1e6));
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

nlohmann::json describe_runtime_json(const UpscaleSettings& settings) {
  const bool on_device = pipeline::find_method(settings.method)->uses(pipeline::Setting::kDevice);
  return {{"version", kVersion},
          {"device", on_device ? settings.runtime.device.str() : "cpu"},
          {"threads", settings.runtime.threads},
          {"seed", settings.runtime.seed},
          {"runtime", describe_runtime(describe_conv_backend())}};
}

void write_losses(const std::vector<LossPoint>& losses, const UpscaleSettings& settings) {
  std::string text = "stage,step,loss\n";
  for (const LossPoint& point : losses) text += fmt::format("{},{},{:.8g}\n", point.stage, point.step, point.loss);
  write_file_atomically(settings.loss_log, text, settings.write.overwrite);
}

// Found, given, or that of bicubic downscaling.
void save_used_kernel(const Enlarged& enlarged, const zssr::Options& options, const UpscaleSettings& settings) {
  std::optional<BlurKernel> kernel = enlarged.kernel;
  if (!kernel && !options.kernels.empty()) kernel = options.kernels[0];
  if (!kernel) kernel = make_kernel({.family = KernelFamily::kBicubic, .scale = settings.scale.y});
  save_kernel(*kernel, settings.save_kernel, KernelConvention::kZssr, settings.write.overwrite);
}

}  // namespace

std::filesystem::path record_path(const std::filesystem::path& output) {
  return output.string() + ".zsr.json";
}

nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& given, ProgressPrinter& progress) {
  UpscaleSettings settings = given;
  const auto start = Clock::now();
  Photo photo = read_input(input, settings);
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
  check_format_size(input, output_size(photo, settings), write.format);
  // All that can fail for the output fails before the minutes of work.
  make_folder_of(output);
  check_output(output, input, write.overwrite);
  if (settings.keep_record && !is_device(output))
    check_name(record_path(output), "the record; --no-record leaves it out");
  std::vector<std::string> warnings = photo.notes;
  const int wanted_depth = write.bit_depth == 0 ? photo.bit_depth : write.bit_depth;
  if (wanted_depth > max_bit_depth(write.format)) {
    warnings.push_back(fmt::format("'{}' has 16 bits a sample, {} holds 8; use .png or .tif to keep them",
                                   input.string(), to_string(write.format)));
  }
  const std::vector<std::string> lost = say_what_is_left_behind(input, write);
  const double load_s = seconds_since(start);

  const Size low{photo.color.size(2), photo.color.size(3)};
  nlohmann::json touched = nlohmann::json::object();
  const torch::Tensor color =
      fill_scratches_of(photo.alpha.defined() ? bleed_color(photo.color, photo.alpha) : photo.color, settings, touched);
  std::optional<PhotoCondition> condition;
  if (settings.chooses || settings.method == "restore") {
    condition = look_at_condition(color);
    const pipeline::FormationChoice choice =
        pipeline::choose_formation(*condition, std::nullopt, settings.scale.y > 1.0);
    if (settings.chooses && choice.way == pipeline::Way::kRestore) settings.method = "restore";
    constexpr double kCleanStrength = 0.5;  // restoration was asked for, but no damage is seen
    const bool damaged = choice.way == pipeline::Way::kRestore;
    settings.restore.options.strength = settings.restore.strength.value_or(damaged ? choice.strength : kCleanStrength);
  }
  BlindFindings findings{settings.zssr.options, nullptr, {}, std::nullopt, 1.0, std::nullopt};
  if (settings.method != "restore") findings = look_at_photo(color, settings, condition);
  if (findings.restore_strength) {
    settings.method = "restore";
    settings.restore.options.strength = settings.restore.strength.value_or(*findings.restore_strength);
  }
  std::vector<LossPoint> losses;
  progress.keep_losses(settings.loss_log.empty() ? nullptr : &losses);
  Enlarged enlarged = settings.method == "restore" ? restore_photo(color, *condition, settings, progress)
                                                   : enlarge(color, photo.bit_depth, settings, findings, progress);
  progress.keep_losses(nullptr);
  if (!settings.loss_log.empty()) write_losses(losses, settings);
  if (!settings.save_kernel.empty()) save_used_kernel(enlarged, findings.options, settings);
  warnings.insert(warnings.end(), findings.warnings.begin(), findings.warnings.end());
  if (!torch::isfinite(enlarged.color).all().item<bool>()) {
    throw Error(fmt::format("'{}': the result has pixels that are not numbers; nothing was written", input.string()));
  }
  // Bicubic interpolation needs no whole factor on the way.
  const bool direct = settings.target && settings.method == "bicubic";
  const Size made{enlarged.color.size(2), enlarged.color.size(3)};
  photo.color = correct_tone_of(at_target(direct ? color : enlarged.color, settings), settings, touched);
  const bool resampled = !direct && (made.height != photo.color.size(2) || made.width != photo.color.size(3));
  if (photo.alpha.defined() && settings.target) {
    photo.alpha = at_target(photo.alpha, settings);
  } else if (photo.alpha.defined() && settings.scale.y != 1.0) {
    photo.alpha = imresize(photo.alpha, settings.scale).clamp_(0.0, 1.0);
  }
  if (!enlarged.summary.message.empty()) warnings.push_back(enlarged.summary.message);

  const auto save_start = Clock::now();
  save_photo(photo, output, write);
  if (settings.keep_time && !is_device(output)) copy_file_time(input, output);
  const double save_s = seconds_since(save_start);
  const bool diverged = enlarged.summary.termination == Termination::kDiverged;

  const Scale scale = settings.target
                          ? Scale{static_cast<double>(photo.color.size(2)) / static_cast<double>(low.height),
                                  static_cast<double>(photo.color.size(3)) / static_cast<double>(low.width)}
                          : settings.scale;
  nlohmann::json record{
      {"command", "upscale"},
      {"status", diverged ? 1 : 0},
      {"input", input.string()},
      {"output", output.string()},
      {"method", settings.method},
      {"scale", {{"x", scale.x}, {"y", scale.y}}},
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
  if (!lost.empty()) record["not_kept"] = lost;
  if (settings.size_request) record["size_request"] = settings.size_request->text();
  if (resampled) record["resampled"] = {{"factor", std::llround(settings.scale.y)}, {"by", "bicubic"}};
  if (!photo.damage.empty()) record["accepted_damage"] = photo.damage;
  if (condition) {
    record["condition"] = to_json(*condition);
    record["photo"] = describe(*condition);
    record["chosen"] = settings.chooses;
  }
  if (settings.trained) {
    record["weights"] = settings.trained->weights;
    record["network"] = settings.trained->title;
    if (settings.trained->takes_kernel()) {
      record["kernel"] = settings.zssr.kernel;
      record["noise"] = 255.0 * findings.options.son_noise;
    }
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
    if (enlarged.consistency_db) record["consistency_db"] = *enlarged.consistency_db;
  }
  if (settings.method == "dip") {
    record["kernel"] = settings.zssr.kernel;
    if (!findings.record.is_null()) record["estimated"] = findings.record;
    record["steps"] = enlarged.summary.steps;
    record["final_loss"] = enlarged.summary.final_loss;
    record["termination"] = to_string(enlarged.summary.termination);
  }
  if (!enlarged.record.is_null()) record.update(enlarged.record);
  record.update(touched);
  // The output itself may be a device; only a file gets a companion.
  if (settings.keep_record && !is_device(output) && std::filesystem::is_regular_file(output)) {
    write_file_atomically(record_path(output), json_text(record, 2) + "\n", Overwrite::kYes);
  }
  return record;
}

}  // namespace zsr::cli
