#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/refusals.h"
#include "cli/result_names.h"
#include "cli/touch_up.h"
#include "cli/upscale_flags.h"
#include "cli/upscale_job.h"
#include "cli/upscale_request.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

void print_settings(const UpscaleSettings& settings) {
  if (settings.common.quiet) return;
  const auto& zssr = settings.zssr.options;
  if (settings.method == "bicubic") {
    fmt::print(stderr, "bicubic x{}\n", format_scale(settings.scale));
    return;
  }
  if (settings.method == "restore") {
    auto restore = settings.restore;
    restore.options.scale = settings.scale;
    fmt::print(stderr, "restoration x{}: strength {}, detail {:g}; {} thread(s)\n", format_scale(settings.scale),
               restore.strength ? fmt::format("{:g}", *restore.strength) : "auto", restore.options.detail_in_force(),
               settings.runtime.threads);
    return;
  }
  if (settings.method == "dip") {
    fmt::print(stderr, "dip {}{}: kernel {}, stop {}; {} thread(s) on {}, seed {}\n", settings.dip.task,
               settings.scale.y == 1.0 ? "" : fmt::format(" x{}", format_scale(settings.scale)),
               settings.zssr.kernel == "bicubic" ? "lanczos" : settings.zssr.kernel, settings.dip.stop,
               settings.runtime.threads, settings.runtime.device.str(), settings.runtime.seed);
    return;
  }
  if (settings.method == "dip-fkp") {
    fmt::print(stderr, "dip-fkp x{}: kernel prior of {} x {} pixels{}; {} thread(s) on {}, seed {}\n",
               format_scale(settings.scale), settings.prior->side(), settings.prior->side(),
               settings.afterwards ? ", then USRNet" : "", settings.runtime.threads, settings.runtime.device.str(),
               settings.runtime.seed);
    return;
  }
  if (settings.trained) {
    const bool kernel = settings.trained->takes_kernel();
    fmt::print(stderr, "{} x{}: weights {}{}, ensemble {}, back-projection {}; {} thread(s)\n", settings.trained->title,
               format_scale(settings.scale), settings.trained->weights,
               kernel ? fmt::format(", kernel {}, noise {}", settings.zssr.kernel,
                                    settings.zssr.noise.empty() ? "0" : settings.zssr.noise)
                      : "",
               settings.zssr.ensemble.empty() ? "off" : settings.zssr.ensemble,
               settings.zssr.back_projection.empty() ? "0" : settings.zssr.back_projection, settings.runtime.threads);
    return;
  }
  std::string network = fmt::format("{}x{} network", zssr.depth, zssr.width);
  if (zssr.start) network = fmt::format("from {}", zssr.start->name);
  if (zssr.bicubic_start) network += fmt::format(" (bicubic without noise: {})", zssr.bicubic_start->name);
  fmt::print(stderr,
             "zssr x{} preset {}: {}, {} steps at most, kernel {}, noise {}, back-projection {}, "
             "ensemble {}; {} thread(s) on {}, seed {}\n",
             format_scale(settings.scale), settings.zssr.preset, network, zssr.max_steps, settings.zssr.kernel,
             settings.zssr.noise == "auto" ? "auto" : fmt::format("{:.1f}", zssr.son_noise * 255.0),
             zssr.back_projection, zssr.self_ensemble ? "on" : "off", settings.runtime.threads,
             settings.runtime.device.str(), settings.runtime.seed);
}

// What the photo told about itself, in one line.
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
    fmt::print(stderr, "enlarged {} times, then resampled by bicubic interpolation\n",
               record["resampled"]["factor"].get<int64_t>());
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
  refuse(settings.restore.mask, "the mask that --scratches reads");
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

const char* const kDipExamples =
    "  zsr dip photo.jpg -s 4\n  zsr dip noisy.png --task denoise\n  zsr dip saved_too_often.jpg --task jpeg -o "
    "clean.png\n"
    "  zsr dip scratched.png --task inpaint --mask mask.png\n  zsr dip photo.jpg -s 2 --kernel auto --time 5m\n";

// What the flags of these commands are bound to.
struct AllFlags {
  UpscaleFlags upscale;
  ZssrFlags zssr;
  DipFlags dip;
  CommonFlags common;
  BatchFlags batch;
};

// `method` empty: -m chooses it.
int run(const std::vector<std::string>& arguments, const std::string& name, const std::string& method) {
  AllFlags all;
  if (!method.empty()) all.upscale.method = method;
  const auto make_options = [&](AllFlags& into) {
    const bool own_flags = method == "dip" || method == "dip-fkp";
    const bool trained = !method.empty() && method != "zssr" && method != "restore" && !own_flags;
    const bool needs_weights = trained && !is_shipped(method + "-light-x2");
    auto options = std::make_unique<OptionSet>(
        fmt::format("zsr {} PHOTO... [-o OUTPUT] [-s 2]{} [options]", name, needs_weights ? " --weights FILE" : ""),
        "Enlarges photos and keeps what they carry: metadata, colour profile, bit depth, transparency.",
        method == "dip"       ? std::string(kDipExamples)
        : method == "restore" ? std::string("  zsr restore photo.jpg\n  zsr restore scan.png -s 2 --detail 0.5\n"
                                            "  zsr restore scans/ -o clean/ --grain keep\n"
                                            "  zsr restore old.jpg --scratches auto --tone auto\n")
        : method == "dip-fkp" ? std::string("  zsr dip-fkp photo.png -s 2 --save-kernel kernel.mat\n")
        : needs_weights       ? fmt::format("  zsr {0} photo.jpg --weights weights.pth\n", name)
        : trained ? fmt::format("  zsr {0} photo.jpg -s 2\n  zsr {0} photo.jpg --weights weights.pth\n", name)
                  : fmt::format("  zsr {0} photo.jpg -s 2\n  zsr {0} scans/ -o enlarged/ -s 2 -r --jobs 2\n"
                                "  zsr {0} photo.png -s 2 --kernel kernel.mat\n  zsr {0} photo.png -s 3 --time 60s\n",
                                name));
    add_upscale_flags(*options, into.upscale, method.empty());
    if (method != "restore") add_formation_flags(*options, into.zssr);
    if (method == "dip") {
      add_dip_flags(*options, into.dip);
    } else if (method == "dip-fkp") {
      add_fkp_flags(*options, into.dip, true);
      options->add("weights", "FILE", "Weights of USRNet, which then enlarges the photo with the kernel found",
                   &into.upscale.weights);
    } else {
      add_passes_flags(*options, into.zssr);
      if (!trained && method != "restore") add_training_flags(*options, into.zssr);
      if (method != "zssr" && method != "restore") add_network_flags(*options, into.upscale);
      if (method.empty()) add_fkp_flags(*options, into.dip, false);
      if (method.empty() || method == "restore") add_restore_flags(*options, into.upscale.restore);
    }
    add_batch_flags(*options, into.batch);
    add_common_flags(*options, into.common);
    return options;
  };
  // First pass for preset, weights and scale, which give the defaults that the second pass overrides.
  AllFlags first_flags = all;
  const auto first = make_options(first_flags);
  if (!first->parse(arguments)) return kExitOk;
  const bool old_photo = is_old_photo(first_flags.upscale, *first);
  check_standard_streams(first_flags.upscale, first_flags.common.json);
  const auto photo = photo_size(first_flags.upscale);
  const bool channels = means_channels(first_flags.upscale.size.width, name, *first,
                                       photo ? std::optional<int64_t>(photo->width) : std::nullopt);
  if (channels) warn_of_old_name(first_flags.upscale.size.width);
  const std::optional<SizeRequest> request =
      requested_size(first_flags.upscale.size, *first, channels, first_flags.dip.task);
  std::optional<Size> target;
  if (request && photo) target = request->of(*photo, first_flags.upscale.inputs[0]);
  if (target) first_flags.upscale.scale = std::to_string(factor_for(*photo, *target, factors_of(first_flags.upscale)));
  const auto trained = find_trained(first_flags.upscale);
  if (trained && !first->given("scale") && trained->scales().size() == 1) {
    first_flags.upscale.scale = std::to_string(trained->scales()[0]);
  } else if (trained && target && !trained->scales().empty()) {
    first_flags.upscale.scale = std::to_string(factor_for(*photo, *target, trained->scales()));
  }
  const bool enlarges = first_flags.dip.task == "sr";
  // Restoration is chosen by its flags, and by the scale 1, which only restoration has.
  const bool same_size = enlarges && !request && first_flags.upscale.scale == "1" && !names_zero_shot(*first);
  const auto restores = [&](const UpscaleFlags& typed) {
    return typed.method == "restore" || old_photo ||
           (typed.method == "auto" && !trained && (!typed.restore.first_named().empty() || same_size));
  };
  const std::string first_method = first_flags.upscale.method;
  if (restores(first_flags.upscale)) all.upscale.method = first_flags.upscale.method = "restore";
  if (!enlarges) {
    if (first->given("scale")) throw UsageError("-s belongs to --task sr; the other tasks keep the photo's size");
    first_flags.upscale.scale = "1";
  }
  const bool restoring = first_flags.upscale.method == "restore";
  if (restoring && name == "restore" && !first->given("scale") && !request) first_flags.upscale.scale = "1";
  const Scale scale = parse_scale(first_flags.upscale.scale, !enlarges || restoring);
  const bool own_network = channels || first->given("channels") || first->given("depth");
  const auto parse_over = [&](AllFlags start, const std::string& init) {
    ZssrFlags defaults = first_flags.zssr;
    defaults.init = init;
    start.upscale.scale = first_flags.upscale.scale;
    start.zssr.options = starting_options(defaults, scale, own_network);
    start.zssr.options.steps_asked = first->given("steps");
    make_options(start)->parse(arguments);
    if (channels) start.zssr.options.width = static_cast<int64_t>(parse_number(start.upscale.size.width, "width"));
    if (request) start.upscale.scale = first_flags.upscale.scale;
    if (restoring) start.upscale.method = "restore";
    if (restoring) start.upscale.scale = first_flags.upscale.scale;
    return start;
  };
  AllFlags parsed = parse_over(all, first_flags.zssr.init);
  auto& [flags, zssr, dip, common, batch] = parsed;
  flags.output = first_flags.upscale.output;
  if (zssr.options.start && first_flags.zssr.init == "auto") zssr.from_nothing = parse_over(all, "none").zssr.options;
  // `zsr upscale -m dip --steps 500`: there the flags are bound to ZSSR's fields.
  if (method.empty() && flags.method.starts_with("dip")) {
    if (first->given("steps")) dip.steps = zssr.options.max_steps;
    if (first->given("learning-rate")) dip.learning_rate = zssr.options.learning_rate;
  }
  const std::string in_force = trained ? trained->method : flags.method == "auto" ? "zssr" : flags.method;
  const bool named = first_method != "auto" || trained;
  refuse_unused(*first, *pipeline::find_method(in_force),
                named || !restoring ? ""
                : old_photo         ? "--task old"
                                    : flags.restore.first_named());

  if (dip.mask == "auto") {
    if (flags.inputs.size() != 1) throw UsageError("--mask auto takes one photo at a time");
    dip.mask =
        write_proposed_mask(flags.inputs[0], {}, flags.force ? Overwrite::kYes : Overwrite::kNo, common.quiet).string();
    if (!dip.accept_mask) {
      fmt::print("{}\n", dip.mask);
      fmt::print(stderr, "Look at it, change it if need be, then: zsr dip '{}' --task inpaint --mask '{}'\n",
                 flags.inputs[0], dip.mask);
      return kExitOk;
    }
  }
  UpscaleSettings settings = resolve(flags, zssr, dip, common, trained);
  settings.size_request = request;
  settings.target = target;
  settings.keep_time = flags.keep_time;
  settings.chooses = flags.method == "auto" && settings.method == "zssr" && !names_zero_shot(*first);
  if (flags.inputs.empty()) throw UsageError("no photo given; 'zsr upscale photo.jpg -s 2'");
  const bool many = flags.inputs.size() > 1 || (flags.inputs[0] != "-" && fs::is_directory(flags.inputs[0]));
  if (many && settings.restore.scratches == Scratches::kFile) {
    throw UsageError("--scratches MASK takes one photo at a time; --scratches auto takes any number");
  }
  const NameRule names = name_rule(settings, flags.name);
  const BatchPlan plan = plan_batch(flags.inputs, flags.output, batch,
                                    {[&](const fs::path& relative) { return in_result_folder(relative, names); },
                                     [&](const fs::path& input) { return beside_photo(input, names); }});
  if (plan.items.empty()) throw UsageError("no photos found");
  if (!flags.name.empty() && !flags.output.empty() && !plan.into_folder) {
    throw UsageError("-o names the result already; leave --name out, or name a folder with -o FOLDER/");
  }
  for (const SideFile& file : {SideFile{"--frames", dip.frames},
                               {"--save-kernel", flags.save_kernel},
                               {"--loss-log", flags.loss_log},
                               {"--save-mask", flags.restore.save_mask}}) {
    if (file.path.empty()) continue;
    if (plan.many) throw UsageError(fmt::format("{} takes one photo at a time", file.flag));
    check_side_file(file, plan.items[0], settings);
  }
  // The factor of a size differs from photo to photo.
  if (!in_worker() && !(plan.many && request)) print_settings(settings);
  if (flags.output == "-") reserve_standard_output();
  if (!plan.many) return run_single(plan.items[0], settings, batch.skip_existing);
  const BatchOptions options = batch_options(batch, common, *first, {name}, plan, flags.output, flags.force);
  const BatchTally tally = run_batch(plan.items, options);
  return finish_batch(tally, options, static_cast<int64_t>(plan.items.size()), plan.not_images);
}

}  // namespace

int run_upscale(const std::vector<std::string>& arguments) {
  return run(arguments, "upscale", "");
}

int run_zssr(const std::vector<std::string>& arguments) {
  return run(arguments, "zssr", "zssr");
}

int run_restore(const std::vector<std::string>& arguments) {
  return run(arguments, "restore", "restore");
}

int run_dip(const std::vector<std::string>& arguments) {
  return run(arguments, "dip", "dip");
}

std::vector<std::string> method_commands() {
  std::vector<std::string> names = trained_methods();
  names.emplace_back("dip-fkp");
  return names;
}

int run_method(const std::string& method, const std::vector<std::string>& arguments) {
  return run(arguments, method, method);
}

}  // namespace zsr::cli
