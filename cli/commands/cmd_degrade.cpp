#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/flags/degrade_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "datasets/contact_sheet.h"
#include "datasets/image_folder.h"
#include "datasets/pair_run.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct DegradeFlags {
  std::vector<std::string> inputs;
  std::string output;
  RecipeFlags recipe;
  int64_t variants = 1;
  int64_t patch = 0;
  int64_t patches = 1;
  int64_t seed = 0;
  int64_t threads = 0;
  std::string shard = "auto";
  std::string include, exclude;
  std::string replay;
  bool any_version = false;
  std::string contact_sheet;
  std::string max_pixels = "200M";
  bool no_hr = false;
  bool recursive = false;
  bool force = false;
  bool quiet = false;
  bool json = false;
};

std::vector<PairSource> find_sources(const DegradeFlags& flags, const Shard& shard) {
  std::vector<PairSource> sources;
  const auto add = [&](const fs::path& path, const std::string& file) {
    if (shard.has(file) && is_wanted(flags.include, flags.exclude, file)) sources.push_back({path, file});
  };
  for (const std::string& input : flags.inputs) {
    if (!fs::is_directory(input)) {
      add(input, fs::path(input).filename().string());
      continue;
    }
    for (const fs::path& image : list_images(input, flags.recursive)) {
      add(image, image.lexically_relative(input).string());
    }
  }
  return sources;
}

void report(const PairTally& tally, const DegradeFlags& flags, double seconds) {
  const double rate = seconds > 0.0 ? static_cast<double>(tally.made) / seconds : 0.0;
  if (flags.json) {
    const nlohmann::ordered_json json{{"command", "degrade"},
                                      {"output", flags.output},
                                      {"planned", tally.planned},
                                      {"made", tally.made},
                                      {"already_there", tally.already_there},
                                      {"failed", tally.failed},
                                      {"stopped", tally.stopped},
                                      {"problems", tally.problems},
                                      {"seconds", seconds},
                                      {"pairs_per_second", rate}};
    fmt::print("{}\n", json_text(json, 2));
    return;
  }
  fmt::print("{}\n", flags.output);
  if (flags.quiet) return;
  fmt::print(stderr, "{} of {} made in {} ({:.1f} a second), {} already there, {} failed\n", tally.made, tally.planned,
             format_seconds(seconds), rate, tally.already_there, tally.failed);
}

PairTally run_pairs(const DegradeFlags& flags, const std::vector<PairSource>& sources, int64_t threads,
                    const PairProgress& progress) {
  const ReadLimits limits{parse_count(flags.max_pixels, "max-pixels")};
  const Overwrite overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  if (!flags.replay.empty()) {
    ReplayOptions options;
    if (!flags.inputs.empty()) options.hr_folder = flags.inputs[0];
    options.any_version = flags.any_version;
    options.threads = threads;
    options.overwrite = overwrite;
    options.limits = limits;
    return replay_pairs(flags.replay, flags.output, options, progress);
  }
  const ResolvedRecipe resolved = resolve_recipe(flags.recipe);
  if (!flags.quiet) {
    for (const std::string& note : resolved.notes) fmt::print(stderr, "{}\n", note);
  }
  PairOptions options;
  options.scale = resolved.scale;
  options.variants = flags.variants;
  options.patch = flags.patch;
  options.patches = flags.patches;
  options.flat = flags.recipe.recipe.empty();
  options.keep_hr = !flags.no_hr;
  options.bit_depth = static_cast<int>(flags.recipe.bit_depth);
  options.seed = static_cast<uint64_t>(flags.seed);
  options.threads = threads;
  options.overwrite = overwrite;
  options.limits = limits;
  return make_pairs(sources, *resolved.recipe, flags.output, options, progress);
}

void check(const DegradeFlags& flags) {
  if (flags.output.empty()) throw UsageError("degrade needs -o FOLDER for the results");
  if (flags.seed < 0) throw UsageError(fmt::format("--seed {} must be >= 0", flags.seed));
  const bool flat = flags.recipe.recipe.empty() && flags.replay.empty();
  if (flat && (flags.variants > 1 || flags.patch > 0 || !flags.contact_sheet.empty())) {
    throw UsageError("--variants, --patch and --contact-sheet need a --recipe (bicubic and classical are recipes too)");
  }
  if (!flat && flags.recipe.bit_depth != 8) {
    throw UsageError("--bit-depth is for LR images without a --recipe; training pairs have 8 bits");
  }
  if (!flags.replay.empty()) {
    if (!flags.recipe.recipe.empty()) throw UsageError("--replay says how all was made; leave --recipe out");
    if (flags.inputs.size() > 1) throw UsageError("--replay takes one folder of HR photos at most");
  } else if (flags.inputs.empty()) {
    throw UsageError("degrade needs images or folders; 'zsr degrade HR/ -o pairs --recipe bsrgan -s 4'");
  }
}

void add_common_group(OptionSet& options, DegradeFlags& flags) {
  options.group("Common");
  options.add("seed", "N", "Seed of all random numbers, >= 0; same seed, same pairs", &flags.seed);
  options.add("threads,j", "N", "Pairs made at once; 0 = all the cores this process may use", &flags.threads);
  options.add("max-pixels", "N", "Largest photo to read, e.g. 200M", &flags.max_pixels);
  options.flag("force", "Replace existing results", &flags.force);
  options.flag("quiet,q", "No progress on stderr", &flags.quiet);
  options.flag("json", "Print one JSON object on stdout", &flags.json);
}

std::unique_ptr<OptionSet> make_options(DegradeFlags& flags) {
  auto options = std::make_unique<OptionSet>(
      "zsr degrade HR... -o FOLDER -s 2 [options]",
      "Makes low-resolution images from high-resolution ones.\n"
      "Without --recipe: LR images straight into FOLDER, by MATLAB's imresize to the byte (the benchmark protocol) or\n"
      "a blur kernel. With --recipe: training pairs in FOLDER/LR, FOLDER/HR and FOLDER/kernels, and manifest.jsonl,\n"
      "which records every drawn number: the same command continues a stopped run, --replay makes the same bytes "
      "again.",
      "  zsr degrade Set5/HR -o Set5/LR_x2 -s 2\n  zsr degrade HR/ -o LR/ -s 4 --kernel kernel.mat\n"
      "  zsr degrade HR/ -o pairs/ --recipe bsrgan -s 4 --patch 320 --patches 8 --contact-sheet sheet.png\n"
      "  zsr degrade HR/ -o pairs/ --recipe classical -s 2 --like old_photo.jpg\n"
      "  zsr degrade --replay pairs/manifest.jsonl -o again/\n");
  options->group("Pairs");
  options->positional("input,i", "HR", "Images or folders", &flags.inputs);
  options->add("output,o", "FOLDER", "Folder for the results", &flags.output);
  options->add("variants,n", "N", "Pairs drawn per photo or patch", &flags.variants);
  options->add("patch", "PIXELS", "Random HR patches of this side instead of whole photos", &flags.patch);
  options->add("patches", "N", "Patches per photo", &flags.patches);
  options->flag("no-hr", "Do not write the HR side of the pairs", &flags.no_hr);
  options->flag("recursive,r", "Folders with their subfolders; the tree is kept", &flags.recursive);
  options->add("replay", "MANIFEST", "Make the pairs of a manifest again, to the byte (HR: where the photos are now)",
               &flags.replay);
  options->flag("any-version", "Replay the manifest of another version of zsr or its libraries", &flags.any_version);
  options->add("contact-sheet", "FILE", "Also a picture that shows some of the pairs", &flags.contact_sheet);
  options->add("include", "PATTERNS", "Only photos whose path or name fits one of them, e.g. '*.png,trip/*'",
               &flags.include);
  options->add("exclude", "PATTERNS", "Not the photos that fit one of them", &flags.exclude);
  options->add("shard", "I/N",
               "Make the pairs of the I-th of N parts of the photos, with a --recipe in FOLDER/shard-I-of-N; auto: as "
               "Slurm arrays, mpirun and srun say; off",
               &flags.shard);
  add_recipe_flags(*options, flags.recipe);
  options->add("bit-depth", "BITS",
               "Of the LR images, without --recipe: 8, or 16 to keep what lies between whole levels",
               &flags.recipe.bit_depth);
  add_common_group(*options, flags);
  return options;
}

}  // namespace

int run_degrade(const std::vector<std::string>& arguments) {
  DegradeFlags flags;
  const auto options = make_options(flags);
  if (!options->parse(arguments)) return kExitOk;
  check(flags);

  const int64_t threads = set_thread_count(flags.threads);
  const Shard shard =
      find_shard(flags.replay.empty() ? flags.shard : "off", [](const char* name) { return std::getenv(name); });
  const std::vector<PairSource> sources = find_sources(flags, shard);
  if (shard.count > 1) {
    if (!flags.quiet) fmt::print(stderr, "shard {}: {} photos\n", shard.text(), sources.size());
    if (sources.empty()) return kExitOk;  // more parts than photos
    // Every part has a manifest of its own.
    if (!flags.recipe.recipe.empty()) {
      flags.output = (fs::path(flags.output) / fmt::format("shard-{}-of-{}", shard.index + 1, shard.count)).string();
    }
    fs::create_directories(flags.output);
  }
  if (sources.empty() && flags.replay.empty()) throw UsageError("no images found");
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  ProgressPrinter printer(flags.quiet);
  size_t shown = 0;
  const PairTally tally = run_pairs(flags, sources, threads, [&](const PairTally& now) {
    for (; shown < now.problems.size(); ++shown) {
      printer.finish();
      fmt::print(stderr, "zsr: {}\n", now.problems[shown]);
    }
    const Progress progress{"degrade", now.made + now.already_there + now.failed, now.planned, 0.0, seconds()};
    return printer(progress) == ProgressAction::kContinue;
  });
  printer.finish();
  if (!flags.contact_sheet.empty() && tally.made + tally.already_there > 0) {
    write_contact_sheet(flags.output, flags.contact_sheet, flags.force ? Overwrite::kYes : Overwrite::kNo);
  }
  report(tally, flags, seconds());
  if (interrupted()) return interrupt_exit_code();
  return tally.failed > 0 ? kExitFailed : kExitOk;
}

}  // namespace zsr::cli
