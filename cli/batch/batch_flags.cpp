#include "cli/batch/batch_flags.h"

#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/values.h"
#include "image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fnmatch.h>
#include <map>
#include <set>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// "*.jpg,scans/*": whether one of the patterns fits the path inside the folder or the file's name.
bool fits(const std::string& patterns, const std::string& relative) {
  const std::vector<std::string> list = split_list(patterns);
  const std::string name = fs::path(relative).filename().string();
  return std::any_of(list.begin(), list.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), relative.c_str(), FNM_CASEFOLD) == 0 ||
           fnmatch(pattern.c_str(), name.c_str(), FNM_CASEFOLD) == 0;
  });
}

// "-" is standard input, whatever is called so.
bool is_folder(const std::string& path) {
  return path != "-" && fs::is_directory(path);
}

// Several results cannot be one file.
void check_is_no_file(const std::string& output) {
  static const std::set<std::string> kFiles = {".html", ".mat", ".npy", ".json", ".csv", ".txt"};
  bool file = kFiles.count(fs::path(output).extension().string()) > 0;
  try {
    file = file || (fs::path(output).has_extension() && (format_from_name(output), true));
  } catch (const OptionError&) {
    // no name of a photo
  }
  if (output == "-") throw UsageError("-o -: standard output takes one result");
  if (file && output.back() != '/' && !fs::is_directory(output)) {
    throw UsageError(
        fmt::format("-o '{0}' is the name of one file; for several photos name a folder, or '{0}/'", output));
  }
}

// Where results of one folder have one name because only the extensions of their photos differ, the name gets the
// photo's extension: a_jpg.png and a_png.png.
void keep_apart(std::vector<BatchItem>& items) {
  std::map<std::string, std::vector<BatchItem*>> by_output;
  for (BatchItem& item : items) by_output[item.output.lexically_normal().string()].push_back(&item);
  std::map<fs::path, BatchItem*> renamed;
  for (const auto& [output, group] : by_output) {
    const auto is_sibling = [&](const BatchItem* item) {
      return item->input.parent_path() == group[0]->input.parent_path() && item->input.stem() == group[0]->input.stem();
    };
    if (group.size() < 2 || !std::all_of(group.begin(), group.end(), is_sibling)) continue;
    for (BatchItem* item : group) {
      const std::string extension = item->input.extension().string();
      if (extension.empty()) continue;
      const fs::path own = item->output.parent_path() / (item->output.stem().string() + "_" + extension.substr(1) +
                                                         item->output.extension().string());
      if (by_output.count(own.lexically_normal().string()) == 0 && renamed.count(own) == 0) renamed[own] = item;
    }
  }
  for (const auto& [own, item] : renamed) item->output = own;
}

void refuse_one_name(const std::vector<BatchItem>& items) {
  std::map<fs::path, fs::path> sources;
  for (const BatchItem& item : items) {
    const auto [other, is_new] = sources.emplace(item.output.lexically_normal(), item.input);
    if (is_new) continue;
    throw UsageError(fmt::format("'{}' and '{}' would both be '{}'; name a folder of its own for each",
                                 other->second.string(), item.input.string(), item.output.string()));
  }
}

}  // namespace

bool is_wanted(const std::string& include, const std::string& exclude, const std::string& relative) {
  return (include.empty() || fits(include, relative)) && (exclude.empty() || !fits(exclude, relative));
}

void add_batch_flags(OptionSet& options, BatchFlags& flags, bool letter) {
  options.group("Folders");
  options.flag(letter ? "recursive,r" : "recursive", "Folders with their subfolders; the tree is kept",
               &flags.recursive);
  options.add("include", "PATTERNS",
              "Only photos whose path or name fits one of them, in capitals or not, e.g. '*.jpg,scans/*'",
              &flags.include);
  options.add("exclude", "PATTERNS", "Not the photos that fit one of them", &flags.exclude);
  options.flag("skip-existing", "Leave out photos whose result exists, whoever made it", &flags.skip_existing);
  options.add("jobs", "N", "Photos at once, each in a process of its own; they share the threads", &flags.jobs);
  options.add("memory", "SIZE", "What all processes together may take, e.g. 8G. Default: what is free", &flags.memory);
  options.add("timeout", "DURATION", "Longest time for one photo, e.g. 10m; then it is tried again, then left out",
              &flags.timeout);
  options.add("retries", "N", "Further attempts after a crash or a timeout", &flags.retries);
  options.flag("retry-quarantined", "Try again what earlier runs gave up (zsr-quarantine.txt)",
               &flags.retry_quarantined);
  options.add(
      "shard", "I/N",
      "Make the I-th of N parts only. auto: as Slurm arrays, mpirun and srun say; auto/N: also JOB_COMPLETION_INDEX "
      "and PARALLEL_SEQ; off",
      &flags.shard);
  options.flag("claim", "Share the photos with other runs over the same folder, whoever comes first", &flags.claim);
  options.add("lease", "DURATION", "--claim: a run that is silent for so long has died", &flags.lease);
  options.add("grace", "DURATION", "After SIGTERM or Ctrl-C, time to end the photos that are being made", &flags.grace);
}

BatchPlan plan_batch(const std::vector<std::string>& inputs, const std::string& output, const BatchFlags& flags,
                     const ResultNames& names, FolderFiles files) {
  BatchPlan plan;
  // Refused where they are wrong also for one photo, for which they have no effect.
  if (!flags.timeout.empty()) plan.timeout_s = parse_duration(flags.timeout, "timeout");
  plan.grace_s = parse_duration(flags.grace, "grace");
  plan.lease_s = parse_duration(flags.lease, "lease");
  plan.many = inputs.size() > 1 || is_folder(inputs[0]);
  if (plan.many && !output.empty()) check_is_no_file(output);
  plan.into_folder = !output.empty() && (plan.many || is_folder(output) || output.back() == '/');
  for (const std::string& text : inputs) {
    const fs::path input = text;
    if (!is_folder(text)) {
      if (plan.into_folder) {
        plan.items.push_back({input.filename().string(), input, fs::path(output) / names.in_folder(input.filename())});
      } else {
        if (output.empty() && !names.beside) throw UsageError("name the result with -o");
        plan.items.push_back({input.string(), input, output.empty() ? names.beside(input) : fs::path(output)});
      }
      continue;
    }
    if (output.empty()) throw UsageError(fmt::format("'{}' is a folder; name a folder for the results with -o", text));
    int64_t others = 0;
    for (const fs::path& image : list_images(input, flags.recursive, &others, files)) {
      // The results of an earlier run, where they lie inside the folder, are no photos to enlarge again.
      const fs::path relative = image.lexically_relative(input);
      const fs::path inside = fs::path(output).lexically_normal().lexically_relative(input.lexically_normal());
      const bool own =
          !inside.empty() && *inside.begin() != ".." && inside != "." &&
          std::mismatch(inside.begin(), inside.end(), relative.begin(), relative.end()).first == inside.end();
      if (own || !is_wanted(flags.include, flags.exclude, relative.string())) continue;
      plan.items.push_back({relative.string(), image, fs::path(output) / names.in_folder(relative)});
    }
    plan.not_images += others;
  }
  keep_apart(plan.items);
  if (names.distinct) refuse_one_name(plan.items);
  if (plan.into_folder) {
    std::error_code error;
    fs::create_directories(output, error);
    if (error) throw IoError(fmt::format("cannot make folder '{}': {}", output, error.message()));
  }
  return plan;
}

BatchOptions batch_options(const BatchFlags& flags, const CommonFlags& common, const OptionSet& given,
                           std::vector<std::string> command, const BatchPlan& plan, const std::string& output,
                           bool force) {
  if (flags.jobs < 1 || flags.jobs > 1024) throw UsageError(fmt::format("--jobs {} must be 1 to 1024", flags.jobs));
  if (flags.retries < 0) throw UsageError(fmt::format("--retries {} must be >= 0", flags.retries));
  BatchOptions options;
  options.command = std::move(command);
  options.arguments = given.words({"input",         "output", "name",   "recursive", "include", "exclude",
                                   "skip-existing", "jobs",   "memory", "timeout",   "retries", "retry-quarantined",
                                   "shard",         "claim",  "lease",  "grace",     "quiet",   "json",
                                   "force",         "threads"});
  if (plan.into_folder) options.folder = output;
  options.jobs = flags.jobs;
  options.threads = common.threads;
  if (!flags.memory.empty()) options.memory = parse_count(flags.memory, "memory");
  options.timeout_s = plan.timeout_s;
  options.retries = flags.retries;
  options.grace_s = plan.grace_s;
  options.skip_existing = flags.skip_existing;
  options.force = force;
  options.retry_quarantined = flags.retry_quarantined;
  options.claim = flags.claim;
  options.lease_s = plan.lease_s;
  options.shard = find_shard(flags.shard, [](const char* name) { return std::getenv(name); });
  options.quiet = common.quiet;
  options.json = common.json;
  if (options.claim && !options.folder) throw UsageError("--claim needs a folder for the results, -o FOLDER/");
  if (options.claim && options.shard.count > 1 && options.shard.from.empty()) {
    throw UsageError("--claim shares the photos out by itself; leave --shard out");
  }
  // Ranks that share by claims need no parts.
  if (options.claim) options.shard = {};
  if (!common.quiet && options.shard.count > 1) {
    fmt::print(stderr, "shard {}{}\n", options.shard.text(),
               options.shard.from.empty() ? "" : fmt::format(" (from {})", options.shard.from));
  }
  return options;
}

bool in_worker() {
  static const bool worker = std::getenv("ZSR_WORKER") != nullptr;
  return worker;
}

}  // namespace zsr::cli
