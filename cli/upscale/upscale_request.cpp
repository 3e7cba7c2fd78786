#include "cli/upscale/upscale_request.h"

#include "cli/batch/batch_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/terminal/usage_error.h"
#include "core/files.h"
#include "core/values.h"
#include "image/photo_codec.h"
#include "image/resize.h"
#include "pipeline/choose_factors.h"
#include "pipeline/develop.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unistd.h>

namespace zsr::cli {

namespace fs = std::filesystem;

namespace {

// A size that was named instead of a factor.
struct Sizing {
  std::optional<SizeRequest> request;
  std::optional<Size> photo;   // Of the one photo that is named; workers of a folder ask again.
  std::optional<Size> target;  // Of its result.
};

void warn_of_old_name(const std::string& value) {
  if (in_worker()) return;
  fmt::print(stderr,
             "zsr: warning: --width {} is taken as the network's channels, which are called --channels now; --width "
             "will only mean pixels\n",
             value);
}

std::optional<Size> photo_size(const UpscaleFlags& flags) {
  const SizeFlags& size = flags.size;
  const bool wanted = !(size.width.empty() && size.height.empty() && size.long_side.empty() && size.size.empty() &&
                        size.megapixels.empty() && size.print.empty());
  if (!wanted || flags.inputs.size() != 1) return std::nullopt;
  if (flags.inputs[0] != "-" && fs::is_directory(flags.inputs[0])) return std::nullopt;
  if (pipeline::is_camera_raw(flags.inputs[0])) return pipeline::developed_size(flags.inputs[0]);
  const PhotoHeader header = read_photo_header(flags.inputs[0]);
  return Size{header.height, header.width};
}

Sizing find_size(AllFlags& flags, const OptionSet& given, const std::string& command, bool keeps_size) {
  const SizeFlags& size = flags.upscale.size;
  Sizing sizing;
  sizing.photo = photo_size(flags.upscale);
  const auto width = sizing.photo ? std::optional<int64_t>(sizing.photo->width) : std::nullopt;
  if (means_channels(size.width, command, given, width)) {
    warn_of_old_name(size.width);
    flags.values.set("channels", size.width);
    return sizing;
  }
  sizing.request = SizeRequest::from(size, given);
  if (!sizing.request) return sizing;
  const std::string& text = sizing.request->text();
  if (given.given("scale")) {
    throw UsageError(fmt::format("{} and -s exclude each other; name one{}", text,
                                 given.given("width") ? " (the network's channels are --channels)" : ""));
  }
  if (keeps_size) throw UsageError(fmt::format("{} belongs to --task sr; the other tasks keep the photo's size", text));
  if (sizing.photo) sizing.target = sizing.request->of(*sizing.photo, flags.upscale.inputs[0]);
  return sizing;
}

bool restores(const std::string& method) {
  const pipeline::Method* const row = pipeline::find_method(method);
  return row != nullptr && row->uses(pipeline::Setting::kRestoration);
}

// Whether --task says that the photo is an old one, so that the restoration is wanted.
bool is_old_photo(const UpscaleFlags& flags, const OptionSet& given) {
  if (flags.task == "sr") return false;
  if (flags.task != "old") throw UsageError(fmt::format("--task '{}' must be sr or old", flags.task));
  if (flags.method != "auto" && !restores(flags.method)) {
    throw UsageError(fmt::format("--task old is done by the restoration; leave -m {} out", flags.method));
  }
  for (const char* name : {"weights", "pca"}) {
    if (given.given(name)) throw UsageError(fmt::format("--task old is done by the restoration; leave --{} out", name));
  }
  return true;
}

pipeline::SizeWish size_wish(const UpscaleFlags& flags, const OptionSet& given, const Sizing& sizing) {
  pipeline::SizeWish wish{.exact = flags.size.exact_scale, .photo = sizing.photo, .target = sizing.target};
  if (given.given("scale")) wish.scale = parse_scale(flags.scale, true);
  if (sizing.request) wish.text = sizing.request->text();
  return wish;
}

// What chose the restoration, for messages; nothing where it was not chosen or was named.
std::optional<std::string> restoration_chosen_by(const AllFlags& flags, bool old_photo,
                                                 const pipeline::Factors& factors, const Sizing& sizing) {
  if (old_photo) return "--task old";
  if (flags.upscale.method != "auto" || factors.trained) return std::nullopt;
  const bool same_size = !sizing.request && factors.scale == Scale{1.0, 1.0};
  return pipeline::restoration_chosen_by(flags.values, same_size);
}

// HDR files of AVIF and HEIC have 10 or 12 bits, those of OpenEXR and TIFF 32, which no others have.
void take_bit_depth(const UpscaleFlags& flags, UpscaleSettings& settings) {
  if (flags.depth == "auto") return;
  const bool usual = flags.depth == "8" || flags.depth == "16";
  if (!usual && flags.depth != "10" && flags.depth != "12" && flags.depth != "32") {
    throw UsageError(
        fmt::format("--bit-depth '{}' must be 8, 16 or auto, or for HDR results 10, 12 or 32", flags.depth));
  }
  if (settings.request.gives_hdr() && flags.depth == "8") {
    throw UsageError("--bit-depth 8 is too little for HDR; use 10, 12, 16 or auto");
  }
  settings.write.bit_depth = std::stoi(flags.depth);
}

// How the photo is read and the result written.
void take_files(const UpscaleFlags& flags, const pipeline::ParameterValues& values, UpscaleSettings& settings) {
  settings.limits.max_pixels = parse_count(flags.max_pixels, "max-pixels");
  settings.limits.accept_damaged = flags.accept_damaged;
  if (flags.quality < 1 || flags.quality > 100) {
    throw UsageError(fmt::format("--quality {} must be from 1 to 100", flags.quality));
  }
  settings.write.encode = {static_cast<int>(flags.quality), flags.strip};
  settings.write.overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  take_bit_depth(flags, settings);
  settings.format = flags.format;
  settings.pages = PageChoice(flags.pages);
  const DynamicRange range = result_range(settings.request);
  // Whether the photo is HDR, and with it what can be written, shows when it is read.
  const bool for_hdr = !settings.format.empty() && is_writable(format_from_name(settings.format), DynamicRange::kHdr);
  if (!settings.format.empty() && !for_hdr && !is_writable(format_from_name(settings.format), range)) {
    throw UsageError(
        fmt::format("--format '{}': {}", flags.format, why_not_writable(format_from_name(settings.format), range)));
  }
  settings.save_kernel = values.text("save-kernel");
  settings.save_mask = values.text("save-mask");
  settings.loss_log = values.text("loss-log");
  settings.frames = values.text("frames");
  settings.keep_record = !flags.no_record;
  settings.keep_time = flags.keep_time;
}

// What belongs to one picture is refused where there may be several.
void refuse_for_pages(const UpscaleSettings& settings) {
  if (!settings.pages.may_be_several()) return;
  const pipeline::Request& request = settings.request;
  if (request.gives_hdr()) throw UsageError("an HDR result is one picture; name one page with --pages");
  const std::pair<const char*, bool> flags[] = {{"frames", !settings.frames.empty()},
                                                {"save-kernel", !settings.save_kernel.empty()},
                                                {"save-mask", !settings.save_mask.empty()},
                                                {"loss-log", !settings.loss_log.empty()},
                                                {"scratches MASK", request.restore.mask.defined()},
                                                {"mask", request.dip.mask.defined()},
                                                {"noise-map", request.noise_map.defined()}};
  for (const auto& [flag, named] : flags) {
    if (named) throw UsageError(fmt::format("--{} is for one picture; name one page with --pages", flag));
  }
}

}  // namespace

void check_standard_streams(UpscaleFlags& flags, bool json) {
  const bool reads = std::find(flags.inputs.begin(), flags.inputs.end(), "-") != flags.inputs.end();
  if (reads && flags.inputs.size() > 1) throw UsageError("standard input (-) is one photo; name it alone");
  if (reads && flags.output.empty()) throw UsageError("name the result of standard input: -o FILE, or -o - for a pipe");
  if (reads && flags.keep_time) throw UsageError("--keep-time: standard input has no time of its own");
  if (flags.output.empty() || !is_standard_output(flags.output)) return;
  flags.output = "-";
  if (flags.inputs.size() > 1) throw UsageError("-o -: standard output takes one photo");
  if (json) throw UsageError("-o - and --json both write to standard output; leave one out");
  if (flags.keep_time) throw UsageError("--keep-time: standard output has no time");
  if (isatty(STDOUT_FILENO) != 0)
    throw UsageError("-o -: standard output is a terminal; send it to a file or a program");
}

UpscaleSettings resolve(AllFlags& flags, const OptionSet& given, const std::string& command) {
  UpscaleFlags& upscale = flags.upscale;
  check_standard_streams(upscale, flags.common.json);
  const bool old_photo = is_old_photo(upscale, given);
  const pipeline::Method* const named = pipeline::find_method(upscale.method);
  const bool keeps_size = named != nullptr && pipeline::task_keeps_size(flags.values, *named);
  if (keeps_size && given.given("scale")) {
    throw UsageError("-s belongs to --task sr; the other tasks keep the photo's size");
  }
  const Sizing sizing = find_size(flags, given, command, keeps_size);
  const pipeline::Factors factors = pipeline::choose_factors(
      upscale.method, flags.values.text("weights"), flags.values.text("pca"), size_wish(upscale, given, sizing));
  const auto chosen_by = restoration_chosen_by(flags, old_photo, factors, sizing);
  if (chosen_by) upscale.method = pipeline::restoration_method().name;

  UpscaleSettings settings;
  pipeline::Request& request = settings.request;
  request.method = upscale.method;
  request.trained = factors.trained;
  request.wrap = upscale.wrap;
  const pipeline::Method& method = *pipeline::find_method(pipeline::first_method(request));
  const bool restores_only = restores(command) && !given.given("scale") && !sizing.request;
  request.scale = keeps_size || restores_only ? Scale{1.0, 1.0} : factors.scale;
  const bool same_size = keeps_size || method.uses(pipeline::Setting::kRestoration) || factors.trained != nullptr;
  if (!same_size) parse_scale(format_scale(request.scale));  // refuses 1
  request.passes = factors.passes;
  request.target = sizing.target;
  request.target_scale = factors.target_scale;
  if (sizing.target) request.keep = sizing.request->kept(*sizing.target);
  settings.size_request = sizing.request;
  pipeline::refuse_unused(flags.values, method, chosen_by.value_or(""));
  refuse_unused_gpu(given, method, chosen_by.value_or(""));
  take_files(upscale, flags.values, settings);
  if (old_photo) request.restore.scratches = pipeline::RestoreRequest::Scratches::kFound;
  pipeline::take_parameters(flags.values, method, settings.limits, request);
  request.training = request.training || asks_for_gpu(given);
  refuse_for_pages(settings);
  request = pipeline::prepared(std::move(request));
  if (flags.values.has("time")) settings.time_budget_s = parse_duration(flags.values.text("time"), "time");
  settings.common = flags.common;
  settings.runtime = start_runtime(flags.common);
  return settings;
}

}  // namespace zsr::cli
