#include "cli/upscale_flags.h"

#include "cli/usage_error.h"
#include "cli/values.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_io.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace zsr::cli {
namespace {

// What the user asked of the network against what it can do; a wrong scale would scramble the picture.
void check_network(const Trained& trained, const UpscaleFlags& flags) {
  const auto scales = trained.scales();
  const Scale asked = parse_scale(flags.scale);
  const bool known = scales.empty() || std::any_of(scales.begin(), scales.end(), [&](int64_t scale) {
                       return asked.y == static_cast<double>(scale) && asked.x == static_cast<double>(scale);
                     });
  if (!known) {
    throw UsageError(fmt::format("'{}' enlarges by {}, not by {}; use -s {}", trained.weights, fmt::join(scales, ", "),
                                 format_scale(asked), scales[0]));
  }
}

// Kernels of --kernel-grid; what is left for the other flags to resolve is 'bicubic', or 'auto'.
void resolve_maps(const UpscaleFlags& flags, UpscaleSettings& settings) {
  settings.noise_map = flags.noise_map;
  if (flags.kernel_grid.empty() && flags.noise_map.empty()) return;
  if (!flags.noise_map.empty()) {
    if (!settings.zssr.noise.empty()) throw UsageError("--noise-map and --noise exclude each other");
    if (!settings.trained->srmd->knows_noise()) {
      throw UsageError(fmt::format("'{}' is a network for photos without noise; leave --noise-map out", flags.weights));
    }
    settings.zssr.noise = "0";
  }
  if (!settings.zssr.back_projection.empty() && settings.zssr.back_projection != "0") {
    throw UsageError(
        "--back-projection knows one kernel and one noise; leave it out beside --kernel-grid and --noise-map");
  }
  if (flags.kernel_grid.empty()) return;
  srmd::KernelGrid& grid = settings.kernel_grid;
  constexpr double kMost = 64.0;
  const Scale cells = parse_scale(flags.kernel_grid, true, "kernel-grid");
  if (std::max(cells.x, cells.y) > kMost || std::min(cells.x, cells.y) < 1.0 || cells.x != std::floor(cells.x) ||
      cells.y != std::floor(cells.y)) {
    throw UsageError(fmt::format("--kernel-grid '{}' must be COLUMNSxROWS, each 1 to 64", flags.kernel_grid));
  }
  grid.rows = static_cast<int64_t>(cells.y);
  grid.columns = static_cast<int64_t>(cells.x);
  if (settings.zssr.kernel.empty() || settings.zssr.kernel == "auto") {
    settings.zssr.kernel = "auto";
    return;
  }
  for (const std::string& file : split_list(settings.zssr.kernel)) {
    grid.kernels.push_back(
        load_kernel(file, parse_kernel_convention(settings.zssr.kernel_convention, "kernel-convention")));
  }
  if (static_cast<int64_t>(grid.kernels.size()) != grid.rows * grid.columns) {
    throw UsageError(fmt::format("--kernel-grid {} needs {} kernels, --kernel names {}", flags.kernel_grid,
                                 grid.rows * grid.columns, grid.kernels.size()));
  }
  settings.zssr.kernel = "bicubic";
}

}  // namespace

void add_network_flags(OptionSet& options, UpscaleFlags& flags) {
  options.group("Trained networks");
  options.add("weights", "FILE", "Weights of a trained network: safetensors, .pth, .mat, or ncnn's .param with .bin",
              &flags.weights);
  options.add("pca", "FILE", "srmd: the kernel basis it was trained with, 15 x 225 (KAIR's srmd_pca_matlab.mat)",
              &flags.pca);
  options.add(
      "kernel-grid", "COLUMNSxROWS",
      "srmd: blur that varies; --kernel is auto (each cell by itself) or a file for each cell, row by row with commas",
      &flags.kernel_grid);
  options.add("noise-map", "IMAGE", "srmd: noise that varies, as large as the photo; 8-bit values are levels, 0-75",
              &flags.noise_map);
  options.flag("circular", "usrnet: the photo was blurred as a torus, as benchmarks are made", &flags.circular);
  options.flag("keep-colors", "Brings brightness and colour of large areas back to the photo's", &flags.keep_colors);
}

void add_upscale_flags(OptionSet& options, UpscaleFlags& flags, bool with_method) {
  options.group("Photos");
  options.positional("input,i", "PHOTO", "Photos or folders; - reads one photo from a pipe", &flags.inputs);
  options.add("output,o", "PATH", "File, folder for several photos, or - for a pipe. Default: NAME_x2 beside the photo",
              &flags.output);
  options.add("scale,s", "FACTOR",
              "Above 1, fractions too; 2x1.5 = horizontal x vertical. Default: 2, or the weights' own", &flags.scale);
  add_size_flags(options, flags.size);
  options.add(
      "name", "PATTERN",
      "Names of results, e.g. '{stem}_x{scale}{ext}'; also {method}. Default in a folder: as the photo, with the "
      "photo's extension in it where results would have one name",
      &flags.name);
  options.flag("keep-time", "The result gets the photo's time of last change", &flags.keep_time);
  if (with_method) {
    options.add(
        "method,m", "NAME",
        fmt::format("auto (zssr for clean photos, restore for noisy and compressed ones, or what --weights are), zssr, "
                    "restore, dip, dip-fkp, bicubic, or a trained network: {}",
                    fmt::join(trained_methods(), ", ")),
        &flags.method);
    options.add("task", "NAME",
                "sr, or old for old photos: --scratches auto, then the restoration, then enlarging (--tone auto too "
                "if you name it)",
                &flags.task);
  }
  options.add("time", "DURATION", "Budget per photo, e.g. 60s or 5m; the schedule shrinks to fit", &flags.time);
  options.add("format,f", "NAME", "png, jpeg, tiff, webp, pnm or bmp. Default: by the output's name", &flags.format);
  options.add("quality", "N", "JPEG and WebP quality, 1-100 (WebP 100 is lossless)", &flags.quality);
  options.add("bit-depth", "BITS", "8, 16 or auto (as the photo)", &flags.depth);
  options.flag("strip", "Leave EXIF, XMP, ICC profile and resolution out of the result", &flags.strip);
  options.flag("force", "Replace an existing output (never the input)", &flags.force);
  options.add("max-pixels", "N", "Largest photo to read or to make, e.g. 200M", &flags.max_pixels);
  options.flag("accept-damaged",
               "Take what can be decoded of a damaged photo instead of refusing it; the record says so",
               &flags.accept_damaged);
  options.add("save-kernel", "FILE", "The blur kernel that was used, found or given: .mat, .npy, .txt or .png",
              &flags.save_kernel);
  options.add("loss-log", "FILE", "The training losses, step by step (.csv)", &flags.loss_log);
  options.flag("no-record", "Do not store OUTPUT.zsr.json with the effective settings", &flags.no_record);
}

std::shared_ptr<const Trained> find_trained(const UpscaleFlags& flags) {
  const auto known = trained_methods();
  const bool trained = std::find(known.begin(), known.end(), flags.method) != known.end();
  static const std::vector<std::string> others = {"auto", "zssr", "restore", "dip", "dip-fkp", "bicubic"};
  if (!trained && std::find(others.begin(), others.end(), flags.method) == others.end()) {
    throw UsageError(
        fmt::format("--method '{}' must be {} or {}", flags.method, fmt::join(others, ", "), fmt::join(known, ", ")));
  }
  if (trained || (flags.method == "auto" && !flags.weights.empty())) {
    return std::make_shared<const Trained>(
        load_trained(flags.method, flags.weights, flags.pca, parse_scale(flags.scale, true)));
  }
  return nullptr;
}

bool is_old_photo(const UpscaleFlags& flags, const OptionSet& given) {
  if (flags.task == "sr") return false;
  if (flags.task != "old") throw UsageError(fmt::format("--task '{}' must be sr or old", flags.task));
  if (flags.method != "auto" && flags.method != "restore") {
    throw UsageError(fmt::format("--task old is done by the restoration; leave -m {} out", flags.method));
  }
  for (const char* name : {"weights", "pca"}) {
    if (given.given(name)) throw UsageError(fmt::format("--task old is done by the restoration; leave --{} out", name));
  }
  return true;
}

UpscaleSettings resolve(const UpscaleFlags& flags, const ZssrFlags& zssr, const DipFlags& dip,
                        const CommonFlags& common, std::shared_ptr<const Trained> trained) {
  UpscaleSettings settings;
  settings.method = trained ? trained->method : flags.method == "auto" ? "zssr" : flags.method;
  settings.restore = resolve_restore_flags(flags.restore, flags.task == "old");
  if (trained) check_network(*trained, flags);
  settings.trained = std::move(trained);
  settings.keep_low_frequencies = flags.keep_colors;
  settings.circular = flags.circular;
  settings.zssr = zssr;
  settings.scale = zssr.options.scale;
  if (settings.trained && !settings.trained->takes_kernel()) settings.zssr.kernel = "bicubic";
  settings.dip = dip;
  if (settings.method == "dip-fkp") {
    settings.zssr.kernel = "bicubic";
    settings.zssr.noise = "0";
    settings.prior = std::make_shared<const FlowPrior>(load_prior(dip, settings.scale));
    if (!flags.weights.empty()) {
      settings.afterwards = std::make_shared<const Trained>(load_trained("usrnet", flags.weights, "", settings.scale));
    }
  }
  if (settings.method == "restore") {
    settings.zssr.kernel = "bicubic";
    settings.zssr.noise = "0";
  }
  settings.save_kernel = flags.save_kernel;
  settings.loss_log = flags.loss_log;
  if (!flags.save_kernel.empty() && settings.scale.y == 1.0) {
    throw UsageError("--save-kernel: at the photo's own size no kernel is used");
  }
  if (settings.method == "dip") {
    check_dip_flags(dip, settings.scale);
    if (settings.scale.y == 1.0 && !(zssr.kernel.empty() && zssr.noise.empty())) {
      throw UsageError("--kernel and --noise belong to --task sr");
    }
    if (settings.zssr.kernel.empty()) settings.zssr.kernel = "bicubic";
    if (settings.zssr.noise.empty()) settings.zssr.noise = "0";
  }
  resolve_maps(flags, settings);
  // What does not enlarge has no kernel, phase or noise of an enlargement.
  if (settings.scale.y != 1.0) resolve_zssr_flags(settings.zssr);
  if (settings.method != "zssr") settings.zssr.from_nothing.reset();  // what other methods were told stays
  if (settings.zssr.from_nothing) {
    ZssrFlags plain = zssr;
    plain.options = *zssr.from_nothing;
    resolve_zssr_flags(plain);
    settings.zssr.from_nothing = plain.options;
    // The starting points have seen Gaussians and their like (a residual of 0.1 with the noise of DIV2KRK's). Of a disk
    // (0.4) or a shaken camera (0.55 and more) a network learns more from nothing: 20.6 against 20.2 dB over twelve.
    constexpr double kMostUnlike = 0.3;
    const auto& kernels = settings.zssr.options.kernels;
    if (!kernels.empty() && fit_gaussian(kernels[0]).residual > kMostUnlike) settings.zssr.options = plain.options;
  }
  settings.limits.max_pixels = parse_count(flags.max_pixels, "max-pixels");
  settings.limits.accept_damaged = flags.accept_damaged;
  if (flags.quality < 1 || flags.quality > 100) {
    throw UsageError(fmt::format("--quality {} must be from 1 to 100", flags.quality));
  }
  settings.write.encode = {static_cast<int>(flags.quality), flags.strip};
  settings.write.overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  if (flags.depth == "8" || flags.depth == "16") {
    settings.write.bit_depth = std::stoi(flags.depth);
  } else if (flags.depth != "auto") {
    throw UsageError(fmt::format("--bit-depth '{}' must be 8, 16 or auto", flags.depth));
  }
  settings.format = flags.format;
  if (!settings.format.empty() && !is_writable(format_from_name(settings.format))) {
    throw UsageError(
        fmt::format("--format '{}' cannot be written; use png, jpeg, tiff, webp, pnm or bmp", flags.format));
  }
  if (!flags.time.empty()) settings.time_budget_s = parse_duration(flags.time, "time");
  settings.keep_record = !flags.no_record;
  settings.common = common;
  settings.runtime = start_runtime(common);
  return settings;
}

}  // namespace zsr::cli
