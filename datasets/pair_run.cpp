#include "datasets/pair_run.h"

#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/sha256.h"
#include "datasets/manifest.h"
#include "datasets/pair_maker.h"
#include "degradations/step_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <set>

namespace zsr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::vector<PairTask> plan(const std::vector<PairSource>& sources, const PairOptions& options) {
  std::vector<PairTask> tasks;
  std::map<std::string, std::string> taken;
  const int64_t patches = options.patch > 0 ? options.patches : 1;
  for (const PairSource& source : sources) {
    const std::string base = fs::path(source.file).replace_extension("").string();
    const auto [found, fresh] = taken.try_emplace(base, source.path.string());
    if (!fresh) {
      throw InputError(fmt::format("'{}' and '{}' would both become '{}.png'; rename one or take separate folders",
                                   found->second, source.path.string(), base));
    }
    for (int64_t patch = 0; patch < patches; ++patch) {
      for (int64_t variant = 0; variant < options.variants; ++variant) {
        std::string name = base;
        if (options.patch > 0) name += fmt::format("_p{:03}", patch);
        if (options.variants > 1) name += fmt::format("_v{}", variant);
        tasks.push_back({.source = source, .name = name, .variant = variant, .patch = patch});
      }
    }
  }
  return tasks;
}

Json make_header(const Recipe& recipe, const PairOptions& options) {
  return {{"zsr_manifest", kManifestFormat},
          {"version", library_version()},
          {"environment", present_environment()},
          {"seed", options.seed},
          {"scale", {options.scale.x, options.scale.y}},
          {"variants", options.variants},
          {"patch", options.patch},
          {"patches", options.patches},
          {"keep_hr", options.keep_hr},
          {"recipe", recipe.describe()}};
}

bool has_hash(const fs::path& path, const std::string& expected) {
  std::error_code error;
  return fs::is_regular_file(path, error) && sha256_of_file(path) == expected;
}

// True when everything that `line` tells of is still there, to the byte.
bool is_proved(const Json& line, const fs::path& folder, const fs::path& manifest) {
  if (!has_hash(folder / text_of(line, "lr", manifest), text_of(line, "lr_sha256", manifest))) return false;
  if (line.contains("hr") && !has_hash(folder / text_of(line, "hr", manifest), text_of(line, "hr_sha256", manifest))) {
    return false;
  }
  return !line.contains("kernel") || fs::is_regular_file(folder / text_of(line, "kernel", manifest));
}

std::string key_of(const std::string& file, int64_t variant, int64_t patch) {
  return fmt::format("{}#{}#{}", file, variant, patch);
}

// The first field in which two headers differ.
std::string difference(const Json& a, const Json& b) {
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key) || a[key] != value) {
      return fmt::format("{} was {}, now {}", key, a.contains(key) ? a[key].dump() : "not given", value.dump());
    }
  }
  return {};
}

}  // namespace

void PairOptions::validate() const {
  const auto check = [](bool good, const char* name, int64_t value, const char* rule) {
    if (!good) throw OptionError(fmt::format("{} = {}, must be {}", name, value, rule));
  };
  check(variants >= 1 && variants <= 1'000'000, "variants", variants, "1 to 1000000");
  check(patches >= 1 && patches <= 1'000'000, "patches", patches, "1 to 1000000");
  check(threads >= 1, "threads", threads, ">= 1");
  check(patch >= 0 && patch <= 65536, "patch", patch, "0 to 65536 pixels");
  check(bit_depth == 8 || (bit_depth == 16 && flat), "bit depth", bit_depth, "8, or 16 for LR images alone");
  if (patch > 0 && (cut_length(patch, scale.y) != patch || cut_length(patch, scale.x) != patch)) {
    throw OptionError(fmt::format("patch = {}, must be a multiple of the scale", patch));
  }
}

PairTally make_pairs(const std::vector<PairSource>& sources, const Recipe& recipe, const fs::path& folder,
                     const PairOptions& options, const PairProgress& progress) {
  options.validate();
  std::vector<PairTask> tasks = plan(sources, options);
  PairTally tally;
  tally.planned = static_cast<int64_t>(tasks.size());
  const Json header = make_header(recipe, options);
  std::vector<std::string> old_lines;
  PairOptions run_options = options;
  const fs::path manifest = folder / "manifest.jsonl";
  if (!options.flat && fs::exists(manifest) && options.overwrite == Overwrite::kNo) {
    const Manifest old = read_manifest(manifest, true);
    const std::string differs = difference(old.header, header);
    if (!differs.empty()) {
      throw InputError(
          fmt::format("'{}' holds the pairs of another run ({}); take another folder, or --force to "
                      "replace them",
                      folder.string(), differs));
    }
    std::set<std::string> proved;
    std::map<std::string, std::string> source_hash;
    for (size_t i = 0; i < old.pairs.size(); ++i) {
      const Json& line = old.pairs[i];
      if (!is_proved(line, folder, manifest)) continue;
      const std::string file = text_of(line, "file", manifest);
      proved.insert(key_of(file, line.value("variant", int64_t{0}), line.value("patch", int64_t{0})));
      source_hash[file] = text_of(line, "source_sha256", manifest);
      old_lines.push_back(old.lines[i]);
    }
    for (const PairSource& source : sources) {
      const auto known = source_hash.find(source.file);
      if (known != source_hash.end() && fs::is_regular_file(source.path) &&
          sha256_of_file(source.path) != known->second) {
        throw InputError(
            fmt::format("'{}' has changed since '{}' was written; take another folder, or --force to make "
                        "all pairs again",
                        source.path.string(), manifest.string()));
      }
    }
    std::erase_if(tasks, [&](const PairTask& task) {
      return proved.contains(key_of(task.source.file, task.variant, task.patch));
    });
    tally.already_there = tally.planned - static_cast<int64_t>(tasks.size());
    run_options.overwrite = Overwrite::kYes;  // what the manifest does not prove is a remnant
  }
  return make_tasks(&recipe, folder, run_options, header, tasks, old_lines, tally, progress);
}

}  // namespace zsr
