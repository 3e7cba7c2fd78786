#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/flags/upscale_flags.h"
#include "cli/terminal/failure.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/usage_error.h"
#include "cli/upscale/proposed_mask.h"
#include "cli/upscale/result_names.h"
#include "cli/upscale/touch_up.h"
#include "cli/upscale/upscale_job.h"
#include "cli/upscale/upscale_request.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "nn/weights/shipped.h"
#include "pipeline/methods.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

void print_settings(const UpscaleSettings& settings) {
  if (settings.common.quiet) return;
  const pipeline::Method& method = *pipeline::find_method(pipeline::first_method(settings.request));
  const pipeline::Request& request = settings.request;
  std::string line = request.leaves_method_open()
                         ? fmt::format("x{}, by the method that suits the photo", format_scale(request.scale))
                         : method.describe(request);
  line += fmt::format("; {} thread(s)", settings.runtime.threads);
  if (method.uses(pipeline::Setting::kDevice)) {
    line += fmt::format(" on {}, seed {}", settings.runtime.device.str(), settings.runtime.seed);
  }
  fmt::print(stderr, "{}\n", line);
}

// What was found in the photo, in one line.
void print_findings(const nlohmann::json& estimated) {
  if (estimated.contains("kernel")) {
    const auto& kernel = estimated["kernel"];
    const auto used = kernel["used"].get<std::string>();
    if (used == "bicubic") {
      fmt::print(stderr, "blur of this photo: taken as that of bicubic downscaling");
    } else {
      fmt::print(stderr, "blur of this photo: {} kernel, sigma {:.2f} and {:.2f} pixels, verdict {}", used,
                 kernel["sigma_1"].get<double>(), kernel["sigma_2"].get<double>(),
                 kernel["verdict"].get<std::string>());
    }
  }
  if (estimated.contains("noise")) {
    fmt::print(stderr, "{}noise {:.1f}/255", estimated.contains("kernel") ? "; " : "",
               estimated["noise"].get<double>());
  }
  fmt::print(stderr, "\n");
}

// What was found in the photo, what was done about it, and how to change that.
void print_restoration(const nlohmann::json& record) {
  const auto& done = record["restoration"];
  const bool enlarged = record["output_size"] != record["input_size"];
  fmt::print(stderr,
             "{}: restored{} (strength {:.2g}, detail {:.2g}, grain {:.2g}); --strength, --detail, --grain "
             "change that{}\n",
             record["photo"].get<std::string>(), enlarged ? " and enlarged" : "", done["strength"].get<double>(),
             done["detail"].get<double>(), done["grain"].get<double>(),
             record.value("chosen", false) ? ", -m zssr leaves it out" : "");
}

void print_result(const nlohmann::json& record) {
  const auto output = record["output"].get<std::string>();
  if (output != "-") fmt::print("{}\n", output);
  if (record.contains("resampled")) {
    const auto passes = record.value("passes", int64_t{1});
    fmt::print(stderr, "enlarged {} times{}, then resampled by bicubic interpolation\n",
               record["resampled"]["factor"].get<int64_t>(), passes > 1 ? fmt::format(" in {} passes", passes) : "");
  }
  fmt::print(stderr, "{} -> {}: {}x{} to {}x{} in {:.1f} s, peak memory {:.0f} MB\n",
             record["input"].get<std::string>(), record["output"].get<std::string>(),
             record["input_size"]["width"].get<int64_t>(), record["input_size"]["height"].get<int64_t>(),
             record["output_size"]["width"].get<int64_t>(), record["output_size"]["height"].get<int64_t>(),
             record["seconds"]["total"].get<double>(), record["peak_memory_mb"].get<double>());
}

// What is written beside the result, and the flag that names it.
struct SideFile {
  const char* flag;
  std::string path;
};

// Whether both paths are one file, which need not exist yet.
bool is_one_file(const fs::path& a, const fs::path& b) {
  return is_same_file(a, b) || fs::weakly_canonical(fs::absolute(a)) == fs::weakly_canonical(fs::absolute(b));
}

// Throws UsageError and IoError where the file would replace one that the same call reads or writes, or cannot be made.
void check_side_file(const SideFile& file, const BatchItem& item, const UpscaleSettings& settings) {
  const auto refuse = [&](const fs::path& other, const char* what) {
    if (other.empty() || !is_one_file(file.path, other)) return;
    throw UsageError(fmt::format("{} '{}' is {}; name another file", file.flag, file.path, what));
  };
  refuse(item.input, "the photo itself");
  refuse(item.output, "the output itself");
  refuse(settings.request.restore.mask_name, "the mask that --scratches reads");
  // --frames may be a folder.
  if (fs::path(file.path).has_extension()) check_output(file.path, item.input, settings.write.overwrite);
}

// One photo, in this process.
int run_single(const BatchItem& job, const UpscaleSettings& settings, bool skip_existing) {
  const bool json = settings.common.json;
  if (skip_existing && job.output != "-" && fs::exists(job.output)) {
    if (!json) fmt::print(stderr, "'{}' is already there\n", job.output.string());
    if (json)
      fmt::print("{}\n", json_text(nlohmann::json{{"images", nlohmann::json::array()}, {"skipped_existing", 1}}, 2));
    return kExitOk;
  }
  ProgressPrinter progress(settings.common.quiet);
  nlohmann::json record;
  int code = kExitOk;
  try {
    record = upscale_photo(job.input, job.output, settings, progress);
    for (const auto& warning : record["warnings"]) {
      fmt::print(stderr, "zsr: warning: {}\n", warning.get<std::string>());
    }
    if (record["status"] != 0) code = kExitFailed;
    if (!settings.common.quiet && record.contains("restoration")) {
      print_restoration(record);
      print_touch_up(record);
    } else if (!settings.common.quiet && record.contains("estimated")) {
      print_findings(record["estimated"]);
    }
    if (!json) print_result(record);
  } catch (...) {
    const Failure failure = current_failure();
    progress.finish();
    if (!in_worker()) fmt::print(stderr, "zsr: {}\n", failure.message);
    record = {{"input", job.input.string()}, {"status", 1}, {"error", failure.message}};
    if (failure.passing && in_worker()) record["passing"] = true;  // for the batch only
    code = failure.code;
  }
  if (json) fmt::print("{}\n", json_text(record, 2));
  return interrupted() ? interrupt_exit_code() : code;
}

// What -h shows to copy.
std::string examples_of(const std::string& name, const pipeline::Method* method, bool needs_weights) {
  if (method != nullptr && !method->examples.empty()) return fmt::format(fmt::runtime(method->examples), name);
  if (needs_weights) return fmt::format("  zsr {} photo.jpg --weights weights.pth\n", name);
  if (method != nullptr && method->network) {
    return fmt::format("  zsr {0} photo.jpg -s 2\n  zsr {0} photo.jpg --weights weights.pth\n", name);
  }
  return fmt::format(
      "  zsr {0} photo.jpg -s 2\n  zsr {0} scans/ -o enlarged/ -s 2 -r --jobs 2\n"
      "  zsr {0} photo.png -s 2 --kernel kernel.mat\n  zsr {0} photo.png -s 3 --time 60s\n",
      name);
}

// `method` empty: -m chooses it.
std::unique_ptr<OptionSet> make_options(const std::string& name, const std::string& method, AllFlags& into) {
  const pipeline::Method* const row = pipeline::find_method(method);
  const bool network = row != nullptr && row->network;
  const bool needs_weights = network && !is_shipped(method + "-light-x2");
  auto options = std::make_unique<OptionSet>(
      fmt::format("zsr {} PHOTO... [-o OUTPUT] [-s 2]{} [options]", name, needs_weights ? " --weights FILE" : ""),
      "Enlarges photos and keeps what they carry: metadata, colour profile, bit depth, transparency.",
      examples_of(name, row, needs_weights));
  options->set_takes_photos_alone(!needs_weights);
  add_upscale_flags(*options, into.upscale, row == nullptr);
  into.method.add_to(*options, row);
  add_batch_flags(*options, into.batch);
  add_common_flags(*options, into.common);
  return options;
}

// --mask auto: writes the mask that is proposed. False where it is only to be looked at.
bool propose_inpainting_mask(AllFlags& flags) {
  const UpscaleFlags& upscale = flags.upscale;
  if (upscale.inputs.size() != 1) throw UsageError("--mask auto takes one photo at a time");
  const Overwrite overwrite = upscale.force ? Overwrite::kYes : Overwrite::kNo;
  const std::string mask = write_proposed_mask(upscale.inputs[0], {}, overwrite, flags.common.quiet).string();
  flags.values.set("mask", mask);
  if (flags.values.has("accept-mask")) return true;
  fmt::print("{}\n", mask);
  fmt::print(stderr, "Look at it, change it if need be, then: zsr dip '{}' --task inpaint --mask '{}'\n",
             upscale.inputs[0], mask);
  return false;
}

// Where the results and the files beside them go. Throws UsageError and IoError where they are in each other's way.
BatchPlan plan_results(const AllFlags& flags, const UpscaleSettings& settings) {
  const UpscaleFlags& upscale = flags.upscale;
  const bool many = upscale.inputs.size() > 1 || (upscale.inputs[0] != "-" && fs::is_directory(upscale.inputs[0]));
  if (many && settings.request.restore.mask.defined()) {
    throw UsageError("--scratches MASK takes one photo at a time; --scratches auto takes any number");
  }
  const NameRule names = name_rule(settings, upscale.name);
  BatchPlan plan = plan_batch(upscale.inputs, upscale.output, flags.batch,
                              {[&](const fs::path& relative) { return in_result_folder(relative, names); },
                               [&](const fs::path& input) { return beside_photo(input, names); }},
                              FolderFiles::kImagesAndRaw);
  if (plan.items.empty()) throw UsageError("no photos found");
  if (!upscale.name.empty() && !upscale.output.empty() && !plan.into_folder) {
    throw UsageError("-o names the result already; leave --name out, or name a folder with -o FOLDER/");
  }
  for (const SideFile& file : {SideFile{"--frames", settings.frames},
                               {"--save-kernel", settings.save_kernel},
                               {"--loss-log", settings.loss_log},
                               {"--save-mask", settings.save_mask}}) {
    if (file.path.empty()) continue;
    if (plan.many) throw UsageError(fmt::format("{} takes one photo at a time", file.flag));
    check_side_file(file, plan.items[0], settings);
  }
  return plan;
}

int run(const std::vector<std::string>& arguments, const std::string& name, const std::string& method) {
  AllFlags flags;
  if (!method.empty()) flags.upscale.method = method;
  const auto options = make_options(name, method, flags);
  if (!options->parse(with_new_names(arguments))) return kExitOk;
  if (flags.upscale.inputs.empty()) throw UsageError("no photo given; 'zsr upscale photo.jpg -s 2'");
  flags.values = flags.method.values(*options);
  const bool proposes = flags.values.text("mask") == "auto";
  if (flags.values.has("accept-mask") && !proposes) throw UsageError("--accept-mask belongs to --mask auto");
  if (proposes && !propose_inpainting_mask(flags)) return kExitOk;
  const UpscaleSettings settings = resolve(flags, *options, name);
  const BatchPlan plan = plan_results(flags, settings);
  if (!in_worker()) print_settings(settings);
  if (!plan.many) return run_single(plan.items[0], settings, flags.batch.skip_existing);
  const BatchOptions batch =
      batch_options(flags.batch, flags.common, *options, {name}, plan, flags.upscale.output, flags.upscale.force);
  return finish_batch(run_batch(plan.items, batch), batch, static_cast<int64_t>(plan.items.size()), plan.not_images);
}

}  // namespace

int run_upscale(const std::vector<std::string>& arguments) {
  return run(arguments, "upscale", "");
}

std::vector<std::string> method_commands() {
  std::vector<std::string> names;
  for (const pipeline::Method& method : pipeline::methods()) {
    const bool has_row = std::any_of(commands().begin(), commands().end(),
                                     [&](const Command& command) { return method.name == command.name; });
    if (method.has_command && !has_row) names.push_back(method.name);
  }
  return names;
}

int run_method(const std::string& method, const std::vector<std::string>& arguments) {
  return run(arguments, method, method);
}

}  // namespace zsr::cli
