#include "cli/upscale/upscale_steps.h"

#include "cli/terminal/usage_error.h"
#include "cli/upscale/frames.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "image/damaged_photo.h"
#include "image/metadata_table.h"
#include "image/pages.h"
#include "nn/kernels/conv_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::cli {
namespace {

// Of the result before anything is cut off.
Size output_size(const Photo& photo, const UpscaleSettings& settings) {
  const pipeline::Request& request = settings.request;
  const Scale scale = request.target_scale.value_or(request.scale);
  return request.target.value_or(scaled_size({photo.color.size(2), photo.color.size(3)}, scale));
}

// What the result cannot carry is said before the work. Returns it for the record.
std::vector<std::string> say_what_is_left_behind(const std::filesystem::path& input, const WriteOptions& write,
                                                 const Sequence* sequence, DynamicRange range) {
  if (write.encode.strip) return {};
  std::vector<std::string> lost;
  try {
    lost = left_behind(input, read_photo_header(input), write.format, range);
  } catch (const InputError&) {
    return {};  // a damaged photo that is accepted
  }
  if (sequence != nullptr && sequence->animated() && write.format == ImageFormat::kTiff) {
    lost.emplace_back("the time of each frame");
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

// The format of the result. Throws UsageError where it cannot hold the photo.
WriteOptions write_options(const std::filesystem::path& input, const std::filesystem::path& output, const Photo& photo,
                           const UpscaleSettings& settings, const Sequence* sequence) {
  WriteOptions write = settings.write;
  if (!settings.format.empty()) {
    write.format = format_from_name(settings.format);
  } else {
    write.format = output.has_extension() ? format_from_name(output) : photo.format;
  }
  const DynamicRange range = result_range(settings.request, photo);
  if (!is_writable(write.format, range)) {
    throw UsageError(fmt::format("'{}': {}", output.string(), why_not_writable(write.format, range)));
  }
  if (range == DynamicRange::kHdr) write.bit_depth = hdr_bit_depth(write.format, write.bit_depth, photo.hdr);
  if (range == DynamicRange::kSdr && (write.bit_depth == 10 || write.bit_depth == 12 || write.bit_depth == 32)) {
    throw UsageError(fmt::format("--bit-depth {} is for HDR results, and that of '{}' is not; use 8, 16 or auto",
                                 write.bit_depth, input.string()));
  }
  if (photo.alpha.defined() && !holds_alpha(write.format)) {
    throw UsageError(
        fmt::format("'{}' is partly transparent and {} cannot hold that; name a .png, .tif or .webp output",
                    input.string(), to_string(write.format)));
  }
  if (sequence != nullptr && !holds_pages(write.format, sequence->animated())) {
    throw UsageError(fmt::format("'{}' has {} {}, and a {} file holds one; name {} output, or one page with --pages",
                                 input.string(), sequence->pages, sequence->animated() ? "frames" : "pages",
                                 to_string(write.format),
                                 sequence->animated() ? "a .webp, .png, .gif or .tif" : "a .tif"));
  }
  return write;
}

}  // namespace

void check_output_files(const std::filesystem::path& input, const std::filesystem::path& output,
                        const UpscaleSettings& settings) {
  make_folder_of(output);
  check_output(output, input, settings.write.overwrite);
  if (settings.keep_record && !is_device(output))
    check_name(record_path(output), "the record; --no-record leaves it out");
}

// The photo, or the one page of it that is wanted. The message about a damaged one names the flag that accepts it.
Photo read_input(const std::filesystem::path& input, const UpscaleSettings& settings) {
  try {
    ReadLimits limits = settings.limits;
    limits.hdr = true;
    if (settings.pages.is_first()) return load_photo(input, limits);
    PageReader reader(input, limits);
    return reader.read(settings.pages.of(reader.sequence().pages, input.string())[0]);
  } catch (const DamagedPhoto& error) {
    if (settings.limits.accept_damaged) throw;
    throw InputError(fmt::format("{}; --accept-damaged takes what can be decoded", error.what()));
  }
}

void check_output_size(const Photo& photo, const std::filesystem::path& input, const UpscaleSettings& settings,
                       ImageFormat format) {
  const Size size = output_size(photo, settings);
  const double pixels = static_cast<double>(size.height) * static_cast<double>(size.width);
  if (pixels > static_cast<double>(settings.limits.max_pixels)) {
    throw InputError(
        fmt::format("'{}' x {} would be {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise "
                    "--max-pixels if you mean it",
                    input.string(), format_scale(settings.request.target_scale.value_or(settings.request.scale)),
                    size.width, size.height, pixels / 1e6, static_cast<double>(settings.limits.max_pixels) / 1e6));
  }
  const int64_t most = max_side(format);
  if (std::max(size.width, size.height) <= most) return;
  throw UsageError(fmt::format(
      "'{}' would become {}x{}, but a {} file has at most {} pixels a side; name a .png or .tif output, or a "
      "smaller size",
      input.string(), size.width, size.height, to_string(format), most));
}

ResultPlan plan_result(const std::filesystem::path& input, const std::filesystem::path& output, Photo& photo,
                       const UpscaleSettings& settings, const Sequence* sequence) {
  ResultPlan plan;
  if (const std::string reason = pipeline::why_not_taken(photo, settings.request); !reason.empty()) {
    throw InputError(fmt::format("'{}' {}", input.string(), reason));
  }
  plan.write = write_options(input, output, photo, settings, sequence);
  check_output_size(photo, input, settings, plan.write.format);
  check_output_files(input, output, settings);
  const int wanted = plan.write.bit_depth == 0 ? photo.bit_depth : plan.write.bit_depth;
  plan.bit_depth = std::min(wanted, max_bit_depth(plan.write.format));
  const DynamicRange range = result_range(settings.request, photo);
  if (range == DynamicRange::kHdr) {
    plan.bit_depth = plan.write.bit_depth;
  } else if (wanted > plan.bit_depth) {
    photo.notes.push_back(fmt::format("'{}' has 16 bits a sample, {} holds 8; use .png or .tif to keep them",
                                      input.string(), to_string(plan.write.format)));
  }
  if (plan.write.format == ImageFormat::kGif) {
    photo.notes.push_back("a GIF has at most 256 colours; .webp and .png keep all");
  }
  plan.lost = say_what_is_left_behind(input, plan.write, sequence, range);
  return plan;
}

pipeline::Outcome run_pipeline(const std::filesystem::path& input, Photo photo, const UpscaleSettings& settings,
                               std::optional<double> time_budget_s, ProgressPrinter& progress) {
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = time_budget_s;
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

void state_print_resolution(Photo& photo, const UpscaleSettings& settings) {
  const auto dpi = settings.size_request ? settings.size_request->dpi() : std::nullopt;
  constexpr double kMmPerInch = 25.4;
  if (dpi) photo.metadata = with_resolution(photo.metadata.get(), {*dpi / kMmPerInch, *dpi / kMmPerInch});
}

void finish_record(nlohmann::json& record, const std::filesystem::path& input, const std::filesystem::path& output,
                   const ResultPlan& plan, const RunTimes& times, const UpscaleSettings& settings) {
  record["command"] = "upscale";
  record["input"] = input.string();
  record["output"] = output.string();
  record["bit_depth"] = plan.bit_depth;
  record["format"] = to_string(plan.write.format);
  record["seconds"] = {{"load", times.load},
                       {"train", times.train},
                       {"upscale", times.upscale},
                       {"save", times.save},
                       {"total", times.total}};
  record["peak_memory_mb"] = static_cast<double>(peak_memory()) / 1e6;
  record["environment"] = {{"version", build_identity()},
                           {"device", record["device"]},
                           {"threads", settings.runtime.threads},
                           {"seed", settings.runtime.seed},
                           {"runtime", describe_runtime(describe_conv_backend())}};
  if (!plan.lost.empty()) record["not_kept"] = plan.lost;
  if (settings.size_request) record["size_request"] = settings.size_request->text();
  // The output itself may be a device; only a file gets a companion.
  if (settings.keep_record && !is_device(output) && std::filesystem::is_regular_file(output)) {
    write_file_atomically(record_path(output), json_text(record, 2) + "\n", Overwrite::kYes);
  }
}

}  // namespace zsr::cli
