#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/upscale_flags.h"
#include "cli/upscale_job.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/error.h"
#include "datasets/image_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct Job {
  fs::path input;
  fs::path output;
};

fs::path beside(const fs::path& input, const UpscaleSettings& settings) {
  const std::string& format = settings.format;

  std::string extension = input.extension().string();
  if (!format.empty()) {
    extension = "." + format;
  } else if (extension.empty() || !is_writable(format_from_name(input))) {
    extension = ".png";  // GIF and HEIF are read only
  }
  const std::string what =
      settings.scale.y == 1.0 ? settings.dip.task : fmt::format("x{}", format_scale(settings.scale));
  return input.parent_path() / fmt::format("{}_{}{}", input.stem().string(), what, extension);
}

fs::path in_folder(const fs::path& folder, const fs::path& relative, const std::string& format) {
  fs::path name = relative;
  if (!format.empty()) {
    name.replace_extension(format);
  } else if (name.has_extension() && !is_writable(format_from_name(name))) {
    name.replace_extension("png");
  }
  return folder / name;
}

std::vector<Job> plan_jobs(const UpscaleFlags& flags, const UpscaleSettings& settings, int64_t& skipped) {
  if (flags.inputs.empty()) throw UsageError("no photo given; 'zsr upscale photo.jpg -s 2'");
  const bool many = flags.inputs.size() > 1 || fs::is_directory(flags.inputs[0]);
  const fs::path output = flags.output;
  const bool into_folder = !flags.output.empty() && (many || fs::is_directory(output) || flags.output.back() == '/');
  std::vector<Job> jobs;
  for (const std::string& text : flags.inputs) {
    const fs::path input = text;
    if (!fs::is_directory(input)) {
      if (into_folder) {
        jobs.push_back({input, in_folder(output, input.filename(), settings.format)});
      } else {
        jobs.push_back({input, output.empty() ? beside(input, settings) : output});
      }
      continue;
    }
    if (output.empty()) throw UsageError(fmt::format("'{}' is a folder; name a folder for the results with -o", text));
    int64_t others = 0;
    for (const fs::path& image : list_images(input, flags.recursive, &others)) {
      jobs.push_back({image, in_folder(output, fs::relative(image, input), settings.format)});
    }
    skipped += others;
  }
  if (into_folder) {
    std::error_code error;
    fs::create_directories(output, error);
    if (error) throw IoError(fmt::format("cannot make folder '{}': {}", output.string(), error.message()));
  }
  return jobs;
}

void print_settings(const UpscaleSettings& settings) {
  if (settings.common.quiet) return;
  const auto& zssr = settings.zssr.options;
  if (settings.method == "bicubic") {
    fmt::print(stderr, "bicubic x{}\n", format_scale(settings.scale));
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
    fmt::print(stderr, "{} x{}: weights {}{}, ensemble {}; {} thread(s)\n", settings.trained->title,
               format_scale(settings.scale), settings.trained->weights,
               kernel ? fmt::format(", kernel {}, noise {}", settings.zssr.kernel,
                                    settings.zssr.noise.empty() ? "0" : settings.zssr.noise)
                      : "",
               settings.zssr.ensemble.empty() ? "off" : settings.zssr.ensemble, settings.runtime.threads);
    return;
  }
  fmt::print(stderr,
             "zssr x{} preset {}: {}x{} network, {} steps at most, kernel {}, noise {}, back-projection {}, "
             "ensemble {}; {} thread(s) on {}, seed {}\n",
             format_scale(settings.scale), settings.zssr.preset, zssr.depth, zssr.width, zssr.max_steps,
             settings.zssr.kernel,
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

void print_result(const nlohmann::json& record) {
  fmt::print("{}\n", record["output"].get<std::string>());
  fmt::print(stderr, "{} -> {}: {}x{} to {}x{} in {:.1f} s, peak memory {:.0f} MB\n",
             record["input"].get<std::string>(), record["output"].get<std::string>(),
             record["input_size"]["width"].get<int64_t>(), record["input_size"]["height"].get<int64_t>(),
             record["output_size"]["width"].get<int64_t>(), record["output_size"]["height"].get<int64_t>(),
             record["seconds"]["total"].get<double>(), record["peak_memory_mb"].get<double>());
}

// What happened to the photos of one call.
struct Tally {
  nlohmann::json records = nlohmann::json::array();
  int64_t failed = 0;
  int64_t existing = 0;
  bool usage_error = false;
};

void run_job(const Job& job, const UpscaleSettings& settings, const UpscaleFlags& flags, Tally& tally) {
  ProgressPrinter progress(settings.common.quiet);
  try {
    if (flags.skip_existing && fs::exists(job.output)) {
      ++tally.existing;
      return;
    }
    if (flags.recursive) fs::create_directories(job.output.parent_path());
    nlohmann::json record = upscale_photo(job.input, job.output, settings, progress);
    for (const auto& warning : record["warnings"]) {
      fmt::print(stderr, "zsr: warning: {}\n", warning.get<std::string>());
    }
    if (record["status"] != 0) ++tally.failed;
    if (!settings.common.quiet && record.contains("estimated")) print_findings(record["estimated"]);
    if (!settings.common.json) print_result(record);
    tally.records.push_back(std::move(record));
  } catch (const Error& error) {
    progress.finish();
    fmt::print(stderr, "zsr: {}\n", error.what());
    ++tally.failed;
    tally.usage_error =
        dynamic_cast<const UsageError*>(&error) != nullptr || dynamic_cast<const OptionError*>(&error) != nullptr;
    tally.records.push_back({{"input", job.input.string()}, {"status", 1}, {"error", error.what()}});
  } catch (const fs::filesystem_error& error) {
    progress.finish();
    fmt::print(stderr, "zsr: cannot use '{}': {}\n", error.path1().string(), error.code().message());
    ++tally.failed;
    tally.records.push_back({{"input", job.input.string()}, {"status", 1}, {"error", error.what()}});
  }
}

const char* const kDipExamples =
    "  zsr dip photo.jpg -s 4\n  zsr dip noisy.png --task denoise\n  zsr dip saved_too_often.jpg --task jpeg -o "
    "clean.png\n"
    "  zsr dip scratched.png --task inpaint --mask mask.png\n  zsr dip photo.jpg -s 2 --kernel auto --time 5m\n";

// `method` empty: -m chooses it.
int run(const std::vector<std::string>& arguments, const std::string& name, const std::string& method) {
  UpscaleFlags flags;
  ZssrFlags zssr;
  DipFlags dip;
  CommonFlags common;
  if (!method.empty()) flags.method = method;
  const auto make_options = [&](UpscaleFlags& f, ZssrFlags& z, DipFlags& d, CommonFlags& c) {
    const bool own_flags = method == "dip" || method == "dip-fkp";
    const bool trained = !method.empty() && method != "zssr" && !own_flags;
    auto options = std::make_unique<OptionSet>(
        fmt::format("zsr {} PHOTO... [-o OUTPUT] [-s 2]{} [options]", name, trained ? " --weights FILE" : ""),
        "Enlarges photos and keeps what they carry: metadata, colour profile, bit depth, transparency.",
        method == "dip"       ? std::string(kDipExamples)
        : method == "dip-fkp" ? std::string("  zsr dip-fkp photo.png -s 2 --save-kernel kernel.mat\n")
        : trained             ? fmt::format("  zsr {0} photo.jpg --weights weights.pth\n", name)
                  : fmt::format("  zsr {0} photo.jpg -s 2\n  zsr {0} scans/ -o enlarged/ -s 2 --skip-existing\n"
                                "  zsr {0} photo.png -s 2 --kernel kernel.mat\n  zsr {0} photo.png -s 3 --time 60s\n",
                                name));
    add_upscale_flags(*options, f, method.empty());
    add_formation_flags(*options, z);
    if (method == "dip") {
      add_dip_flags(*options, d);
    } else if (method == "dip-fkp") {
      add_fkp_flags(*options, d, true);
      options->add("weights", "FILE", "Weights of USRNet, which then enlarges the photo with the kernel found",
                   &f.weights);
    } else {
      add_passes_flags(*options, z);
      if (!trained) add_training_flags(*options, z);
      if (method != "zssr") add_network_flags(*options, f);
      if (method.empty()) add_fkp_flags(*options, d, false);
    }
    add_common_flags(*options, c);
    return options;
  };
  // First pass for preset, weights and scale, which give the defaults that the second pass overrides.
  UpscaleFlags first_flags = flags;
  ZssrFlags first_zssr;
  DipFlags first_dip;
  CommonFlags first_common;
  const auto first = make_options(first_flags, first_zssr, first_dip, first_common);
  if (!first->parse(arguments)) return kExitOk;
  const auto trained = find_trained(first_flags);
  if (trained && !first->given("scale") && trained->scales().size() == 1) {
    flags.scale = std::to_string(trained->scales()[0]);
    first_flags.scale = flags.scale;
  }
  if (first_dip.task != "sr") {
    if (first->given("scale")) throw UsageError("-s belongs to --task sr; the other tasks keep the photo's size");
    flags.scale = first_flags.scale = "1";
  }
  const bool own_network = first->given("width") || first->given("depth");
  zssr.options = starting_options(first_zssr, parse_scale(first_flags.scale, first_dip.task != "sr"), own_network);
  make_options(flags, zssr, dip, common)->parse(arguments);
  // `zsr upscale -m dip --steps 500`: there the flag is bound to ZSSR's field.
  if (method.empty() && flags.method.starts_with("dip") && first->given("steps")) dip.steps = zssr.options.max_steps;

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
  const UpscaleSettings settings = resolve(flags, zssr, dip, common, trained);
  int64_t skipped = 0;
  const std::vector<Job> jobs = plan_jobs(flags, settings, skipped);
  if (jobs.empty()) throw UsageError("no photos found");
  for (const std::string& extra : {dip.frames, flags.save_kernel, flags.loss_log}) {
    if (extra.empty()) continue;
    if (jobs.size() > 1) throw UsageError("--frames, --save-kernel and --loss-log take one photo at a time");
    if (fs::path(extra).has_extension()) check_output(extra, jobs[0].input, settings.write.overwrite);
  }
  print_settings(settings);

  Tally tally;
  for (const Job& job : jobs) {
    if (interrupted()) break;
    run_job(job, settings, flags, tally);
  }
  if (common.json) {
    const nlohmann::json output = jobs.size() == 1 && tally.records.size() == 1
                                      ? tally.records[0]
                                      : nlohmann::json{{"images", tally.records},
                                                       {"failed", tally.failed},
                                                       {"skipped_existing", tally.existing},
                                                       {"not_images", skipped}};
    fmt::print("{}\n", output.dump(2));
  } else if (jobs.size() > 1) {
    fmt::print(stderr, "{} of {} photos done, {} failed, {} already there, {} other files left out\n",
               static_cast<int64_t>(tally.records.size()) - tally.failed, jobs.size(), tally.failed, tally.existing,
               skipped);
  }
  if (interrupted()) return interrupt_exit_code();
  if (tally.failed > 0) return jobs.size() == 1 && tally.usage_error ? kExitUsage : kExitFailed;
  return kExitOk;
}

}  // namespace

int run_upscale(const std::vector<std::string>& arguments) {
  return run(arguments, "upscale", "");
}

int run_zssr(const std::vector<std::string>& arguments) {
  return run(arguments, "zssr", "zssr");
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
