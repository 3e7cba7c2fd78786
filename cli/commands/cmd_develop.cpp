#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/failure.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "pipeline/develop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct DevelopFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string demosaic = "auto";
  std::string color_space = "srgb";
  std::string weights;
  int64_t scale = 1;
  std::string max_pixels = "200M";
  int64_t bit_depth = 16;
  bool keep_noise = false;
  bool force = false;
  CommonFlags common;
};

std::unique_ptr<OptionSet> make_options(DevelopFlags& flags) {
  auto options = std::make_unique<OptionSet>(
      "zsr develop PHOTO... [-o OUTPUT] [options]",
      "Develops camera raw files (DNG, NEF, CR2, CR3, ARW, RAF, ...) at their own size or twice it: levels, mosaic, "
      "white balance "
      "and\n"
      "colour matrix from the file, noise from its values. Writes 16-bit PNG or TIFF with EXIF and an ICC profile.",
      "  zsr develop photo.nef -o photo.png\n  zsr develop photo.dng -o photo.tif --color-space display-p3\n"
      "  zsr develop shots/ -o developed/\n  zsr develop photo.nef -s 2 -o twice.png\n  zsr develop photo.nef "
      "--demosaic ahd -o baseline.png\n");
  options->group("Options");
  options->positional("input,i", "PHOTO", "Camera raw files, or folders of them", &flags.inputs);
  options->add("output,o", "OUTPUT",
               "File (.png, .tif, ...); for several photos and folders a folder. Default: a .png beside each",
               &flags.output);
  options->add("scale,s", "FACTOR", "1, or 2: demosaiced and enlarged in one step (Bayer mosaics)", &flags.scale);
  options->add("demosaic", "NAME",
               fmt::format("How colours are found: {}. auto: the network for Bayer mosaics, closed for others; closed: "
                           "classical, takes noise out; bilinear and ahd (LibRaw's): for comparison, leave noise",
                           fmt::join(pipeline::demosaic_names(), ", ")),
               &flags.demosaic);
  options->add("color-space", "NAME", "srgb, display-p3 or linear (sRGB's primaries)", &flags.color_space);
  options->flag("keep-noise", "Leave the noise that the raw values have", &flags.keep_noise);
  options->add("weights", "FILE", "A demosaicing network of 'zsr train demosaic'", &flags.weights);
  options->add("bit-depth", "BITS", "16 or 8", &flags.bit_depth);
  options->add("max-pixels", "N", "Largest photo to read, e.g. 200M", &flags.max_pixels);
  options->flag("force", "Replace existing files", &flags.force);
  add_common_flags(*options, flags.common);
  return options;
}

std::shared_ptr<const networks::Network> load_network(const std::string& file) {
  const WeightsFile weights = load_or_shipped(file);
  const networks::Kind* const kind = networks::recognise(weights);
  if (kind == nullptr || kind->traits.condition != networks::Condition::kMosaic) {
    throw InputError(fmt::format("'{}' is no demosaicing network; 'zsr train demosaic' makes one", file));
  }
  return kind->build(weights);
}

pipeline::DevelopRequest request_of(const DevelopFlags& flags) {
  pipeline::DevelopRequest request;
  const std::vector<std::string>& names = pipeline::demosaic_names();
  if (std::find(names.begin(), names.end(), flags.demosaic) == names.end()) {
    throw UsageError(fmt::format("--demosaic '{}' must be one of {}", flags.demosaic, fmt::join(names, ", ")));
  }
  if (flags.bit_depth != 8 && flags.bit_depth != 16) {
    throw UsageError(fmt::format("--bit-depth {} must be 8 or 16", flags.bit_depth));
  }
  request.demosaic = flags.demosaic;
  try {
    request.space = color_space_from_name(flags.color_space);
  } catch (const OptionError&) {
    throw UsageError(fmt::format("--color-space '{}' must be srgb, display-p3 or linear", flags.color_space));
  }
  if (flags.scale != 1 && flags.scale != 2) {
    throw UsageError(fmt::format("--scale {} must be 1 or 2; 'zsr upscale' takes other factors", flags.scale));
  }
  if (flags.scale == 2 && flags.demosaic != "auto" && flags.demosaic != "network") {
    throw UsageError(fmt::format("--scale 2 is done by a network, and --demosaic {} is none", flags.demosaic));
  }
  request.scale = flags.scale;
  request.denoise = !flags.keep_noise;
  request.limits.max_pixels = parse_count(flags.max_pixels, "max-pixels");
  if (flags.weights.empty()) return request;
  if (flags.demosaic != "auto" && flags.demosaic != "network") {
    throw UsageError(fmt::format("--weights belong to a network, and --demosaic {} takes none", flags.demosaic));
  }
  request.network = load_network(flags.weights);
  return request;
}

// The files and where their results go. Throws UsageError and IoError.
BatchPlan plan_of(const DevelopFlags& flags) {
  if (flags.inputs.empty()) throw UsageError("no photo given; 'zsr develop photo.nef -o photo.png'");
  if (flags.common.json && flags.output == "-") {
    throw UsageError("--json and -o - both write to standard output; name a file with -o");
  }
  const auto png = [](const fs::path& photo) { return fs::path(photo).replace_extension(".png"); };
  const BatchPlan plan = plan_batch(flags.inputs, flags.output, {}, {png, png, true}, FolderFiles::kCameraRaw);
  if (plan.items.empty()) throw UsageError(fmt::format("'{}' has no camera raw files", flags.inputs[0]));
  return plan;
}

WriteOptions write_options(const fs::path& input, const fs::path& output, const DevelopFlags& flags) {
  WriteOptions write;
  write.format = output == "-" ? ImageFormat::kPng : format_from_name(output);
  if (!is_writable(write.format)) throw UsageError(why_not_writable(write.format));
  write.bit_depth = static_cast<int>(flags.bit_depth);
  write.overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  make_folder_of(output);
  check_output(output, input, write.overwrite);
  return write;
}

nlohmann::json develop_one(const fs::path& input, const fs::path& output, const pipeline::DevelopRequest& request,
                           const DevelopFlags& flags) {
  const auto start = std::chrono::steady_clock::now();
  const WriteOptions write = write_options(input, output, flags);
  const pipeline::Developed developed = pipeline::develop(readable_path(input), request);
  save_photo(developed.photo, output, write);
  nlohmann::json record = developed.record;
  record["command"] = "develop";
  record["input"] = input.string();
  record["output"] = output.string();
  record["width"] = developed.photo.color.size(3);
  record["height"] = developed.photo.color.size(2);
  record["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return record;
}

void print_developed(const nlohmann::json& record, bool quiet) {
  const auto output = record["output"].get<std::string>();
  if (output != "-") fmt::print("{}\n", output);
  if (quiet) return;
  for (const auto& note : record["notes"]) {
    fmt::print(stderr, "zsr: warning: '{}': {}\n", record["input"].get<std::string>(), note.get<std::string>());
  }
  const nlohmann::json& noise = record["noise"];
  fmt::print(stderr, "camera '{}', {} mosaic, {}x{}; noise {:.1f}/255 at middle gray{}; demosaiced by {} in {:.1f} s\n",
             record["camera"].get<std::string>(), record["mosaic"].get<std::string>(), record["width"].get<int64_t>(),
             record["height"].get<int64_t>(), noise["middle_gray_255"].get<double>(),
             noise["denoised"].get<bool>() ? ", taken out" : "", record["demosaic"].get<std::string>(),
             record["seconds"].get<double>());
}

}  // namespace

int run_develop(const std::vector<std::string>& arguments) {
  DevelopFlags flags;
  const auto options = make_options(flags);
  if (!options->parse(arguments)) return kExitOk;
  refuse_gpu(*options, "develop");
  const BatchPlan plan = plan_of(flags);
  const pipeline::DevelopRequest request = request_of(flags);
  start_runtime(flags.common);
  nlohmann::json records = nlohmann::json::array();
  int code = kExitOk;
  for (const BatchItem& item : plan.items) {
    if (interrupted()) return interrupt_exit_code();
    try {
      records.push_back(develop_one(item.input, item.output, request, flags));
      if (!flags.common.json) print_developed(records.back(), flags.common.quiet);
    } catch (...) {
      const Failure failure = current_failure();
      if (!plan.many) throw;
      fmt::print(stderr, "zsr: {}\n", failure.message);
      records.push_back({{"input", item.input.string()}, {"error", failure.message}});
      code = kExitFailed;
    }
  }
  if (flags.common.json) fmt::print("{}\n", json_text(plan.many ? records : records[0], 2));
  return code;
}

}  // namespace zsr::cli
