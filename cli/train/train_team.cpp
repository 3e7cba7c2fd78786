#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/team_run.h"
#include "cli/train/train_network.h"
#include "cli/train/train_photos.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "nn/weights/safetensors.h"
#include "training/communicator.h"
#include "training/team.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct TeamFlags {
  std::vector<std::string> words;  // "team", the plan, folders
  std::string output;
  int64_t batch = 16;
  int64_t patch = 32;
  int64_t save_every = 1000;
  std::string like;
  std::string page;
  std::string show;
  std::string recipe;
  std::string time;
  bool resume = false;
  bool force = false;
};

// "x.safetensors" and "up" give "x-up.safetensors".
fs::path member_path(const fs::path& output, const std::string& member) {
  return output.parent_path() / (output.stem().string() + "-" + member + output.extension().string());
}

fs::path checkpoint_of(const fs::path& output) {
  return output.string() + ".checkpoint";
}

void add_flags(OptionSet& options, TeamFlags& flags) {
  options.group("Options");
  options.positional("input,i", "team PLAN FOLDER", "team, the plan (JSON), then folders of photos", &flags.words);
  options.add("output,o", "FILE", "-o pair.safetensors writes pair-NAME.safetensors for each network of the plan",
              &flags.output);
  options.add("like", "FOLDER", "Photos of another collection, which the plan calls 'like'", &flags.like);
  options.add("recipe", "NAME", "How lr is made of hr, as for 'train edsr'. Default: bicubic", &flags.recipe);
  options.add("page", "FILE", "Keep a page (HTML) of the losses and of samples up to date", &flags.page);
  options.add("show", "LIST", "--page: images of the plan to show, e.g. 'lr,worse(lr),like'", &flags.show);
  options.add("batch", "N", "Patches a step", &flags.batch);
  options.add("patch", "N", "Side of an LR patch; HR: times the scale", &flags.patch);
  options.add("save-every", "N", "Steps between checkpoints", &flags.save_every);
  options.add("time", "DURATION", "Stop after this time, e.g. 30m", &flags.time);
  options.flag("resume", "Go on from OUTPUT.checkpoint, with the same plan, photos and flags", &flags.resume);
  options.flag("force", "Replace existing files", &flags.force);
}

TeamFiles files_of(const TeamFlags& flags, const training::TeamPlan& plan) {
  TeamFiles files;
  files.checkpoint = checkpoint_of(flags.output);
  files.log = flags.output + ".csv";
  for (const training::Member& member : plan.members) {
    files.weights.emplace_back(member.name, member_path(flags.output, member.name));
  }
  files.page = flags.page;
  files.samples = split_list(flags.show);
  return files;
}

void print_result(const TeamFlags& flags, const training::Team& team, const Summary& summary, bool as_json) {
  std::vector<std::string> files;
  for (const training::Member& member : team.plan().members) {
    files.push_back(member_path(flags.output, member.name).string());
  }
  if (!as_json) {
    for (const std::string& file : files) fmt::print("{}\n", file);
    return;
  }
  const nlohmann::ordered_json json{{"command", "train"},
                                    {"network", "team"},
                                    {"outputs", files},
                                    {"steps", summary.steps},
                                    {"termination", to_string(summary.termination)},
                                    {"loss", summary.final_loss},
                                    {"seconds", summary.train_s}};
  fmt::print("{}\n", json_text(json, 2));
}

}  // namespace

int run_train_team(const std::vector<std::string>& arguments) {
  TeamFlags flags;
  CommonFlags common;
  OptionSet options("zsr train team PLAN.json PHOTO_FOLDER... -o FILE.safetensors [options]",
                    "Trains several networks together as a plan says: adversarial, cyclic and staged training. "
                    "docs/extending.md shows\n"
                    "plans.",
                    "  zsr train team plan.json photos/ -o pair.safetensors\n");
  add_flags(options, flags);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  if (flags.words.size() < 3 || flags.output.empty()) {
    throw UsageError("train team needs a plan, a folder of photos and -o FILE");
  }
  if (flags.save_every < 1) throw UsageError(fmt::format("--save-every {} must be above 0", flags.save_every));
  if (!flags.output.ends_with(".safetensors")) {
    throw UsageError(fmt::format("-o '{}' must end in .safetensors", flags.output));
  }
  RunContext context;
  if (!flags.time.empty()) context.time_budget_s = parse_duration(flags.time, "time");
  const training::TeamPlan plan = training::TeamPlan::read(flags.words[1]);
  if (plan.needs_like() == flags.like.empty()) {
    throw UsageError(flags.like.empty() ? "the plan names 'like'; say with --like FOLDER which photos are meant"
                                        : "the plan does not name 'like'; leave --like out");
  }
  if (!flags.show.empty() && flags.page.empty()) throw UsageError("--show goes with --page FILE");
  const TeamFiles files = files_of(flags, plan);
  files.check(flags.words[2], flags.force || flags.resume);
  if (training::launched_processes() > 1) plan.check_parallel();
  const auto processes = training::make_communicator([] { return interrupted(); });
  if (!processes->leads()) common.quiet = true;
  const Runtime runtime = start_runtime(common);
  training::PatchOptions patches;
  patches.scales = {plan.scale};
  patches.batch = flags.batch;
  patches.patch = flags.patch;
  patches.seed = derive_seed(runtime.seed, "training-patches");
  if (!flags.recipe.empty()) {
    const Scale scale{static_cast<double>(plan.scale), static_cast<double>(plan.scale)};
    patches.recipes[plan.scale] = make_recipe(flags.recipe, {.scale = scale});
  }
  patches.validate();
  const int64_t least = training::PatchSource::least_side(patches, training::Condition::kNone);
  const std::vector<std::string> folders(flags.words.begin() + 2, flags.words.end());
  const training::PatchSource source(load_photos(folders, least, common.quiet), training::Condition::kNone, patches);
  std::unique_ptr<training::PatchSource> like;
  if (!flags.like.empty()) {
    like = make_like_source(load_photos({flags.like}, flags.patch, common.quiet), patches);
  }
  training::Team team(plan, source, runtime.seed, runtime.device, like.get(), processes.get());
  if (flags.resume) team.restore(read_safetensors(checkpoint_of(flags.output)));
  ProgressPrinter printer(common.quiet);
  context.seed = runtime.seed;
  context.progress = [&](const Progress& now) { return printer(now); };
  const Summary summary = run_team(team, files, flags.save_every, processes->leads(), context);
  printer.finish();
  if (!processes->leads()) return kExitOk;
  print_result(flags, team, summary, common.json);
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
