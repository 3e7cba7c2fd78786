#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/sha256.h"
#include "datasets/manifest.h"
#include "datasets/pair_maker.h"
#include "degradations/step_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Whether a manifest can be replayed here, into `folder`.
void check_replay(const Manifest& manifest, const fs::path& manifest_path, const fs::path& folder,
                  const ReplayOptions& options) {
  const std::string version = manifest.header.value("version", std::string("?"));
  const std::string environment = manifest.header.value("environment", std::string("?"));
  if (!options.any_version && version != library_version()) {
    throw InputError(fmt::format("manifest '{}' is of zsr {}, this is {}; --any-version tries it all the same",
                                 manifest_path.string(), version, library_version()));
  }
  if (!options.any_version && environment != present_environment()) {
    throw InputError(fmt::format("manifest '{}' was made with {}, here is {}; --any-version tries it all the same",
                                 manifest_path.string(), environment, present_environment()));
  }
  std::error_code error;
  if (fs::equivalent(manifest_path, folder / "manifest.jsonl", error)) {
    throw InputError(
        fmt::format("'{}' is the folder of the manifest itself; replay into another one", folder.string()));
  }
}

// One line of a manifest.
PairTask task_of(const Json& line, const fs::path& manifest_path, const fs::path& hr_folder) {
  PairTask task;
  task.source.file = text_of(line, "file", manifest_path);
  task.source.path =
      hr_folder.empty() ? fs::path(text_of(line, "source", manifest_path)) : hr_folder / task.source.file;
  const fs::path lr = text_of(line, "lr", manifest_path);
  task.name = lr.lexically_relative("LR").replace_extension("").string();
  if (task.name.empty() || task.name.find("..") != std::string::npos || lr.is_absolute()) {
    throw InputError(fmt::format("'{}' leads out of the folder", lr.string()));
  }
  task.variant = line.at("variant").get<int64_t>();
  task.patch = line.at("patch").get<int64_t>();
  const Json& crop = line.at("crop");
  task.crop = {crop.at(0), crop.at(1), crop.at(2), crop.at(3)};
  if (task.crop.width < 1 || task.crop.height < 1 || task.crop.left < 0 || task.crop.top < 0) {
    throw InputError("its crop makes no sense");
  }
  task.steps = steps_from_json(line.at("steps"));
  task.expected_source = text_of(line, "source_sha256", manifest_path);
  task.expected_lr = text_of(line, "lr_sha256", manifest_path);
  return task;
}

}  // namespace

PairTally replay_pairs(const fs::path& manifest_path, const fs::path& folder, const ReplayOptions& options,
                       const PairProgress& progress) {
  const Manifest manifest = read_manifest(manifest_path, false);
  check_replay(manifest, manifest_path, folder, options);
  PairOptions run_options;
  run_options.threads = options.threads;
  run_options.overwrite = options.overwrite;
  run_options.limits = options.limits;
  run_options.cache_bytes = options.cache_bytes;
  run_options.keep_hr = manifest.header.value("keep_hr", true);
  std::vector<PairTask> tasks;
  for (size_t i = 0; i < manifest.pairs.size(); ++i) {
    const Json& line = manifest.pairs[i];
    try {
      tasks.push_back(task_of(line, manifest_path, options.hr_folder));
    } catch (const nlohmann::json::exception& failure) {
      throw InputError(fmt::format("manifest '{}', line {}: {}", manifest_path.string(), i + 2, failure.what()));
    } catch (const Error& failure) {
      throw InputError(fmt::format("manifest '{}', line {}: {}", manifest_path.string(), i + 2, failure.what()));
    }
  }
  PairTally tally;
  tally.planned = static_cast<int64_t>(tasks.size());
  if (fs::exists(folder / "manifest.jsonl") && options.overwrite == Overwrite::kNo) {
    throw InputError(
        fmt::format("'{}' already holds pairs; take another folder, or --force to replace them", folder.string()));
  }
  return make_tasks(nullptr, folder, run_options, manifest.header, tasks, {}, tally, progress);
}

}  // namespace zsr
