#include "cli/upscale/upscale_request.h"

#include "cli/batch/batch_flags.h"
#include "cli/flags/refusals.h"
#include "cli/flags/values.h"
#include "cli/terminal/usage_error.h"
#include "core/files.h"
#include "degradations/kernel_io.h"
#include "image/photo_codec.h"
#include "nn/weights/shipped.h"
#include "pipeline/develop.h"
#include "pipeline/kernel_network.h"
#include "pipeline/methods.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <unistd.h>

namespace zsr::cli {

namespace fs = std::filesystem;

namespace {

using TrainedPtr = std::shared_ptr<const pipeline::Trained>;

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

Sizing find_size(AllFlags& flags, const OptionSet& given, const std::string& command) {
  const SizeFlags& size = flags.upscale.size;
  Sizing sizing;
  sizing.photo = photo_size(flags.upscale);
  const auto width = sizing.photo ? std::optional<int64_t>(sizing.photo->width) : std::nullopt;
  if (means_channels(size.width, command, given, width)) {
    warn_of_old_name(size.width);
    flags.zssr.zssr.channels = static_cast<int64_t>(parse_number(size.width, "width"));
    return sizing;
  }
  sizing.request = SizeRequest::from(size, given);
  if (!sizing.request) return sizing;
  const std::string& text = sizing.request->text();
  if (given.given("scale")) {
    throw UsageError(fmt::format("{} and -s exclude each other; name one{}", text,
                                 given.given("width") ? " (the network's channels are --channels)" : ""));
  }
  if (flags.dip.task != "sr") {
    throw UsageError(fmt::format("{} belongs to --task sr; the other tasks keep the photo's size", text));
  }
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

// The network of --weights or of the method; null for the methods without.
TrainedPtr find_trained(const UpscaleFlags& flags, Scale scale) {
  const bool open = flags.method == "auto";
  const pipeline::Method* const method = pipeline::find_method(flags.method);
  if (!open && method == nullptr) {
    throw UsageError(
        fmt::format("--method '{}' must be auto, {}", flags.method, fmt::join(pipeline::method_names(), ", ")));
  }
  if (open ? flags.weights.empty() : !method->network) return nullptr;
  return std::make_shared<const pipeline::Trained>(
      pipeline::load_trained(flags.method, flags.weights, flags.pca, scale));
}

// What the method is to do so that the result has the size that was asked for.
struct Factors {
  TrainedPtr trained;
  Scale scale;
  int64_t passes = 1;
  std::optional<Scale> target_scale;  // The result is resampled to so many times the photo.
};

// A factor for which weights of the method come with zsr.
std::string shipped_factor(const std::string& method, double needed) {
  std::vector<int64_t> shipped;
  for (const int64_t factor : {2, 3, 4}) {
    if (is_shipped(fmt::format("{}-light-x{}", method, factor))) shipped.push_back(factor);
  }
  return shipped.empty() ? "" : std::to_string(passes_for(needed, shipped, false).factor);
}

// For a network that has only some factors: one of them, perhaps several times, and resampling where that is not exact.
void fit_network(const UpscaleFlags& flags, const OptionSet& given, const Sizing& sizing, double needed, Scale asked,
                 Factors& factors) {
  const auto scales = factors.trained->scales();
  const auto single = static_cast<double>(scales.size() == 1 ? scales[0] : 0);
  if (!given.given("scale") && !sizing.target && single > 0.0) {
    factors.scale = {single, single};
    return;
  }
  const bool known = std::any_of(scales.begin(), scales.end(), [&](int64_t scale) {
    return asked.y == static_cast<double>(scale) && asked.x == static_cast<double>(scale);
  });
  if (known && !sizing.target) return;
  if (flags.size.exact_scale) {
    throw UsageError(fmt::format("'{}' enlarges by {}, not by {}; leave --exact-scale out to resample its result",
                                 factors.trained->weights, fmt::join(scales, ", "),
                                 sizing.target ? sizing.request->text() : format_scale(asked)));
  }
  const Passes passes = passes_for(needed, scales, !factors.trained->takes_kernel());
  factors.passes = passes.count;
  factors.scale = {static_cast<double>(passes.factor), static_cast<double>(passes.factor)};
  if (!sizing.target) factors.target_scale = asked;
}

Factors choose_factors(UpscaleFlags& flags, const OptionSet& given, const Sizing& sizing) {
  Factors factors;
  const pipeline::Method* const method =
      flags.method == "auto" ? &pipeline::default_method() : pipeline::find_method(flags.method);
  double needed = sizing.target ? growth(*sizing.photo, *sizing.target) : 0.0;
  if (sizing.target && method != nullptr) {
    flags.scale = std::to_string(passes_for(needed, method->factors, false).factor);
  }
  const Scale asked = parse_scale(flags.scale, true);
  if (!sizing.target) needed = std::max(asked.y, asked.x);
  std::string weights_scale;
  if (method != nullptr && method->network && flags.weights.empty() && !flags.size.exact_scale &&
      !is_shipped(fmt::format("{}-light-x{}", flags.method, format_scale(asked)))) {
    weights_scale = shipped_factor(flags.method, needed);
  }
  factors.trained = find_trained(flags, weights_scale.empty() ? asked : parse_scale(weights_scale));
  factors.scale = asked;
  const bool some = factors.trained && !factors.trained->scales().empty();
  if (flags.size.exact_scale && !some) {
    throw UsageError("--exact-scale is for networks that have some factors only (edsr, srmd, ...); leave it out");
  }
  if (some) fit_network(flags, given, sizing, needed, asked, factors);
  return factors;
}

// Where the user names no method: restoration is chosen by its flags, and by the scale 1, which only restoration has.
// Returns what chose it, for messages; nothing where it was not chosen.
std::optional<std::string> restoration_chosen_by(const AllFlags& flags, const OptionSet& given, bool old_photo,
                                                 const TrainedPtr& trained, const Sizing& sizing) {
  if (old_photo) return "--task old";
  if (flags.upscale.method != "auto" || trained) return std::nullopt;
  if (const std::string flag = flags.upscale.restore.first_named(); !flag.empty()) return flag;
  const bool same_size =
      flags.dip.task == "sr" && !sizing.request && flags.upscale.scale == "1" && !names_zero_shot(given);
  return same_size ? std::optional<std::string>("-s 1") : std::nullopt;
}

// Kernels of --kernel-grid, and --noise-map.
void take_maps(const AllFlags& all, const ReadLimits& limits, pipeline::Request& request) {
  const UpscaleFlags& flags = all.upscale;
  if (flags.kernel_grid.empty() && flags.noise_map.empty()) return;
  if (!flags.noise_map.empty()) {
    if (!all.zssr.noise.empty()) throw UsageError("--noise-map and --noise exclude each other");
    if (!request.trained->srmd->knows_noise()) {
      throw UsageError(fmt::format("'{}' is a network for photos without noise; leave --noise-map out", flags.weights));
    }
    request.noise_map = load_photo(flags.noise_map, limits).color.mean(1, true).to(torch::kFloat32) * 255.0;
  }
  if (request.back_projection.value_or(0) > 0) {
    throw UsageError(
        "--back-projection knows one kernel and one noise; leave it out beside --kernel-grid and --noise-map");
  }
  if (flags.kernel_grid.empty()) return;
  constexpr double kMost = 64.0;
  const Scale cells = parse_scale(flags.kernel_grid, true, "kernel-grid");
  if (std::max(cells.x, cells.y) > kMost || std::min(cells.x, cells.y) < 1.0 || cells.x != std::floor(cells.x) ||
      cells.y != std::floor(cells.y)) {
    throw UsageError(fmt::format("--kernel-grid '{}' must be COLUMNSxROWS, each 1 to 64", flags.kernel_grid));
  }
  srmd::KernelGrid& grid = request.kernel_grid;
  grid.rows = static_cast<int64_t>(cells.y);
  grid.columns = static_cast<int64_t>(cells.x);
  request.kernel.source = pipeline::KernelRequest::Source::kEstimated;
  request.kernel.name = all.zssr.kernel;
  if (all.zssr.kernel.empty() || all.zssr.kernel == "auto") return;
  for (const std::string& file : split_list(all.zssr.kernel)) {
    grid.kernels.push_back(load_kernel(file, parse_kernel_convention(all.zssr.kernel_convention, "kernel-convention")));
  }
  if (static_cast<int64_t>(grid.kernels.size()) != grid.rows * grid.columns) {
    throw UsageError(fmt::format("--kernel-grid {} needs {} kernels, --kernel names {}", flags.kernel_grid,
                                 grid.rows * grid.columns, grid.kernels.size()));
  }
}

// HDR files of AVIF and HEIC have 10 or 12 bits, which no others have.
void take_bit_depth(const UpscaleFlags& flags, UpscaleSettings& settings) {
  if (flags.depth == "auto") return;
  const bool usual = flags.depth == "8" || flags.depth == "16";
  if (!usual && flags.depth != "10" && flags.depth != "12") {
    throw UsageError(fmt::format("--bit-depth '{}' must be 8, 16 or auto, or for HDR results 10 or 12", flags.depth));
  }
  const bool hdr = settings.request.gives_hdr();
  if (!usual && !hdr) {
    throw UsageError(
        fmt::format("--bit-depth {} is for HDR results, and this one is not; use 8, 16 or auto", flags.depth));
  }
  if (hdr && flags.depth == "8") throw UsageError("--bit-depth 8 is too little for HDR; use 10, 12, 16 or auto");
  settings.write.bit_depth = std::stoi(flags.depth);
}

// How the photo is read and the result written.
void take_files(const UpscaleFlags& flags, UpscaleSettings& settings) {
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
  if (!settings.format.empty() && !is_writable(format_from_name(settings.format), range)) {
    throw UsageError(
        fmt::format("--format '{}': {}", flags.format, why_not_writable(format_from_name(settings.format), range)));
  }
  settings.save_kernel = flags.save_kernel;
  settings.save_mask = flags.restore.save_mask;
  settings.loss_log = flags.loss_log;
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

// It says how a kernel file is stored; DIP-FKP's says where the published code has its pixels.
void check_kernel_convention(const ZssrFlags& flags, const OptionSet& given, const pipeline::Method& method) {
  if (!given.given("kernel-convention")) return;
  if (method.uses(pipeline::Setting::kKernelPrior)) {
    if (parse_kernel_convention(flags.kernel_convention, "kernel-convention") == KernelConvention::kKair) {
      throw UsageError("--kernel-convention kair says how a kernel file is stored, and dip-fkp reads none");
    }
    return;
  }
  const bool file = !flags.kernel.empty() && flags.kernel != "auto" && flags.kernel != "bicubic";
  if (!file) throw UsageError("--kernel-convention says how the file of --kernel is stored; name one, or leave it out");
}

// What the method in force is asked beyond kernel, noise and passes.
void take_method_flags(const AllFlags& flags, const OptionSet& given, const std::string& method, bool old_photo,
                       const ReadLimits& limits, pipeline::Request& request) {
  request.keep_low_frequencies = flags.upscale.keep_colors;
  request.circular = flags.upscale.circular;
  const pipeline::Method& row = *pipeline::find_method(method);
  if (row.uses(pipeline::Setting::kRestoration) || request.method == "auto") {
    take_restore_flags(flags.upscale.restore, old_photo, limits, request.restore);
  }
  if (row.uses(pipeline::Setting::kSrmdMaps)) take_maps(flags, limits, request);
  // `zsr upscale -m dip --steps 500`: there the flags are bound to ZSSR's fields.
  DipFlags dip = flags.dip;
  if (given.given("steps") && request.zssr.steps) dip.steps = *request.zssr.steps;
  if (given.given("learning-rate") && request.zssr.learning_rate) dip.learning_rate = *request.zssr.learning_rate;
  if (row.uses(pipeline::Setting::kKernelPrior)) {
    take_fkp_flags(dip, request);
    request.fkp.published_phase = flags.zssr.kernel_convention == "fkp";
    if (!flags.upscale.weights.empty()) {
      request.fkp.usrnet = std::make_shared<const pipeline::Trained>(
          pipeline::load_kernel_network(flags.upscale.weights, request.scale));
    }
  } else if (row.uses(pipeline::Setting::kTask)) {
    take_dip_flags(dip, limits, request);
    const bool formation = !(flags.zssr.kernel.empty() && flags.zssr.noise.empty());
    if (request.scale.y == 1.0 && formation) throw UsageError("--kernel and --noise belong to --task sr");
    for (const char* const flag : {"phase", "kernel-convention"}) {
      if (request.scale.y == 1.0 && given.given(flag)) throw UsageError(fmt::format("--{} belongs to --task sr", flag));
    }
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
  const bool enlarges = flags.dip.task == "sr";
  if (!enlarges && given.given("scale")) {
    throw UsageError("-s belongs to --task sr; the other tasks keep the photo's size");
  }
  const Sizing sizing = find_size(flags, given, command);
  const Factors factors = choose_factors(upscale, given, sizing);
  const TrainedPtr& trained = factors.trained;
  const auto chosen_by = restoration_chosen_by(flags, given, old_photo, trained, sizing);
  if (chosen_by) upscale.method = pipeline::restoration_method().name;
  const bool restores_only = restores(command) && !given.given("scale") && !sizing.request;
  if (!enlarges || restores_only) upscale.scale = "1";

  UpscaleSettings settings;
  pipeline::Request& request = settings.request;
  request.method = upscale.method;
  request.trained = trained;
  request.wrap = upscale.wrap;
  const pipeline::Method& method = *pipeline::find_method(pipeline::first_method(request));
  const bool same_size =
      !enlarges || method.uses(pipeline::Setting::kRestoration) || (trained && factors.scale.y == 1.0);
  request.scale = parse_scale(trained ? format_scale(factors.scale) : upscale.scale, same_size);
  request.passes = factors.passes;
  request.target = sizing.target;
  request.target_scale = factors.target_scale;
  if (sizing.target) request.keep = sizing.request->kept(*sizing.target);
  settings.size_request = sizing.request;
  refuse_unused(given, method, chosen_by.value_or(""));
  request.zero_shot = names_zero_shot(given);
  request.training = names_more_than(given, pipeline::kernel_network_method());
  take_files(upscale, settings);
  check_kernel_convention(flags.zssr, given, method);
  take_zssr_flags(flags.zssr, !upscale.kernel_grid.empty(), request);
  take_method_flags(flags, given, method.name, old_photo, settings.limits, request);
  if (!upscale.save_kernel.empty() && request.scale.y == 1.0) {
    throw UsageError("--save-kernel: at the photo's own size no kernel is used");
  }
  settings.frames = flags.dip.frames;
  refuse_for_pages(settings);
  pipeline::check(request);
  request = pipeline::settled(std::move(request));
  if (!upscale.time.empty()) settings.time_budget_s = parse_duration(upscale.time, "time");
  settings.common = flags.common;
  settings.runtime = start_runtime(flags.common);
  return settings;
}

}  // namespace zsr::cli
