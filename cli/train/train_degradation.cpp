#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/team_run.h"
#include "cli/train/train_network.h"
#include "cli/train/train_photos.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/sha256.h"
#include "core/values.h"
#include "datasets/image_folder.h"
#include "nn/weights/safetensors.h"
#include "training/communicator.h"
#include "training/degradation_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>
#include <map>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// With fewer different patches the networks overfit.
constexpr double kLeastPatches = 100.0;

struct DegradationFlags {
  std::vector<std::string> words;  // "degradation", folders
  std::string like;
  std::string output;
  training::DegradationOptions method;
  std::string adversarial;
  int64_t batch = 8;
  int64_t patch = 48;
  int64_t save_every = 250;
  int64_t samples = 0;
  std::string page;
  std::string time;
  bool resume = false;
  bool force = false;
};

void add_flags(OptionSet& options, DegradationFlags& flags) {
  options.group("Options");
  options.positional("input,i", "degradation FOLDER", "degradation, then folders of sharp photos", &flags.words);
  options.add("like", "FOLDER", "Photos that show the degradation: scans, an old camera", &flags.like);
  options.add("output,o", "FILE",
              "The learned degradation (.safetensors), for 'degrade --recipe FILE' and 'train "
              "--recipe FILE'",
              &flags.output);
  options.add("scale,s", "FACTOR", "How many times larger a network is to make such photos later", &flags.method.scale);
  options.add("method,m", "NAME",
              "fssr (Fritsche et al. 2019), bulat (Bulat et al. 2018) or cincgan (Yuan et al. 2018, its inner cycle)",
              &flags.method.method);
  options.flag("published", "Networks as large, and trained, as published; without, a light form for a CPU",
               &flags.method.published);
  options.group("Training");
  options.add("steps", "N", "Training steps", &flags.method.steps);
  options.add("batch", "N", "Patches a step of each collection", &flags.batch);
  options.add("patch", "PIXELS", "Side of a patch at the small size", &flags.patch);
  options.add("adversarial", "WEIGHT", "Of the adversary in the loss. Default: the method's", &flags.adversarial);
  options.add("features", "FILE", "fssr: weights of a feature network for its perceptual term (see 'train --features')",
              &flags.method.features);
  options.add("save-every", "N", "Steps between checkpoints", &flags.save_every);
  options.add("samples", "N", "Write a picture of samples to FILE-samples/ every N steps", &flags.samples);
  options.add("page", "FILE", "Keep a page (HTML) of the losses and of samples up to date", &flags.page);
  options.add("time", "DURATION", "Stop after this time, e.g. 30m", &flags.time);
  options.flag("resume", "Go on from OUTPUT.checkpoint, with the same photos and flags", &flags.resume);
  options.flag("force", "Replace existing files", &flags.force);
}

void check_flags(DegradationFlags& flags) {
  if (flags.words.size() < 2 || flags.like.empty() || flags.output.empty()) {
    throw UsageError("train degradation needs folders of sharp photos, --like FOLDER and -o FILE");
  }
  if (!flags.output.ends_with(".safetensors")) {
    throw UsageError(fmt::format("-o '{}' must end in .safetensors", flags.output));
  }
  if (flags.save_every < 1) throw UsageError(fmt::format("--save-every {} must be above 0", flags.save_every));
  if (flags.samples < 0) throw UsageError(fmt::format("--samples {} must not be negative", flags.samples));
  if (!flags.adversarial.empty()) {
    flags.method.adversarial = parse_number(flags.adversarial, "adversarial");
    if (!(flags.method.adversarial > 0.0))
      throw UsageError(fmt::format("--adversarial {} must be above 0", flags.adversarial));
  }
  constexpr int64_t kLeastPatch = 32;  // the judges halve three times
  if (flags.patch < kLeastPatch || flags.patch % 8 != 0) {
    throw UsageError(fmt::format("--patch {} must be a multiple of 8, at least {}", flags.patch, kLeastPatch));
  }
}

// The same photo on both sides would teach that nothing changes.
void refuse_common_photos(const std::vector<std::string>& sharp, const std::string& like) {
  std::map<std::string, fs::path> seen;
  for (const std::string& folder : sharp) {
    for (const fs::path& path : list_images(folder, true)) seen.emplace(sha256_of_file(path), path);
  }
  for (const fs::path& path : list_images(like, true)) {
    const auto found = seen.find(sha256_of_file(path));
    if (found == seen.end()) continue;
    throw InputError(
        fmt::format("'{}' and '{}' are the same photo: it cannot be both sharp and an example of the "
                    "degradation; take it out of one",
                    found->second.string(), path.string()));
  }
}

// At least kLeastPatches patches of `side` pixels must fit.
void check_area(const std::vector<torch::Tensor>& photos, int64_t side, const std::vector<std::string>& folders) {
  double patches = 0.0;
  for (const torch::Tensor& photo : photos) {
    patches +=
        static_cast<double>(photo.size(1)) * static_cast<double>(photo.size(2)) / static_cast<double>(side * side);
  }
  if (patches >= kLeastPatches) return;
  throw InputError(
      fmt::format("'{}': {} photo(s) hold {:.0f} patches of {}x{} pixels, and {:.0f} are needed; add "
                  "photos or make --patch smaller",
                  fmt::join(folders, "', '"), photos.size(), patches, side, side, kLeastPatches));
}

TeamFiles files_of(const DegradationFlags& flags) {
  TeamFiles files;
  files.checkpoint = flags.output + ".checkpoint";
  files.log = flags.output + ".csv";
  files.weights = {{training::kDegradingNetwork, flags.output}};
  files.page = flags.page;
  files.samples = training::degradation_samples(flags.method.method);
  files.samples_every = flags.samples;
  const fs::path output = flags.output;
  files.samples_folder = output.parent_path() / (output.stem().string() + "-samples");
  return files;
}

struct Sources {
  std::unique_ptr<training::PatchSource> sharp;
  std::unique_ptr<training::PatchSource> like;
};

Sources make_sources(const DegradationFlags& flags, uint64_t seed, bool quiet) {
  const std::vector<std::string> folders(flags.words.begin() + 1, flags.words.end());
  refuse_common_photos(folders, flags.like);
  training::PatchOptions patches;
  patches.scales = {flags.method.scale};
  patches.batch = flags.batch;
  patches.patch = flags.patch;
  patches.seed = derive_seed(seed, "training-patches");
  patches.validate();
  const int64_t least = training::PatchSource::least_side(patches, training::Condition::kNone);
  std::vector<torch::Tensor> sharp = load_photos(folders, least, quiet);
  check_area(sharp, least, folders);
  std::vector<torch::Tensor> like = load_photos({flags.like}, flags.patch, quiet);
  check_area(like, flags.patch, {flags.like});
  return {std::make_unique<training::PatchSource>(std::move(sharp), training::Condition::kNone, patches),
          make_like_source(std::move(like), patches)};
}

}  // namespace

int run_train_degradation(const std::vector<std::string>& arguments) {
  DegradationFlags flags;
  CommonFlags common;
  OptionSet options(
      "zsr train degradation SHARP_FOLDER... --like FOLDER -o FILE.safetensors [options]",
      "Learns, without pairs, what makes some photos look as they do, so that any sharp photo can be made to look so.",
      "  zsr train degradation sharp/ --like scans/ -s 2 -o scans.safetensors\n"
      "  zsr degrade sharp/ --recipe scans.safetensors -s 2 -o pairs/\n"
      "  zsr train edsr sharp/ --recipe scans.safetensors -s 2 --init edsr-light-x2 -o mine.safetensors\n"
      "  zsr upscale scan.jpg -s 2 --weights mine.safetensors\n");
  add_flags(options, flags);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  check_flags(flags);
  const training::TeamPlan plan = training::degradation_plan(flags.method);
  const TeamFiles files = files_of(flags);
  files.check(flags.words[1], flags.force || flags.resume);
  if (training::launched_processes() > 1) plan.check_parallel();
  const auto processes = training::make_communicator([] { return interrupted(); });
  if (!processes->leads()) common.quiet = true;
  const Runtime runtime = start_runtime(common);
  const Sources sources = make_sources(flags, runtime.seed, common.quiet);
  training::Team team(plan, *sources.sharp, runtime.seed, runtime.device, sources.like.get(), processes.get());
  if (flags.resume) team.restore(read_safetensors(files.checkpoint));
  if (!common.quiet) {
    fmt::print(stderr, "{} x{}: {} sharp photos, {} others, {} steps of {} patches {}x{}; seed {}\n",
               flags.method.method, flags.method.scale, sources.sharp->photo_count(), sources.like->photo_count(),
               flags.method.steps, flags.batch, flags.patch, flags.patch, runtime.seed);
  }
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  if (!flags.time.empty()) context.time_budget_s = parse_duration(flags.time, "time");
  context.progress = [&](const Progress& now) { return printer(now); };
  const Summary summary = run_team(team, files, flags.save_every, processes->leads(), context);
  printer.finish();
  if (!processes->leads()) return kExitOk;
  if (common.json) {
    const nlohmann::ordered_json json{{"command", "train"},
                                      {"network", "degradation"},
                                      {"method", flags.method.method},
                                      {"output", flags.output},
                                      {"scale", flags.method.scale},
                                      {"sharp_photos", sources.sharp->photo_count()},
                                      {"like_photos", sources.like->photo_count()},
                                      {"steps", summary.steps},
                                      {"termination", to_string(summary.termination)},
                                      {"loss", summary.final_loss},
                                      {"seconds", summary.train_s},
                                      {"seed", runtime.seed}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", flags.output);
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
