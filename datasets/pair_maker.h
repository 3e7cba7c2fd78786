#pragma once

#include "datasets/pair_run.h"
#include "degradations/recipe.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// A rectangle of the photo; width 0 = not drawn yet.
struct PairCrop {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = 0;
  int64_t height = 0;
};

/// One pair to make. A replay brings its crop, steps and hashes.
struct PairTask {
  PairSource source;
  std::string name;  ///< Of the results, without extension
  int64_t variant = 0;
  int64_t patch = 0;
  PairCrop crop;
  std::vector<Step> steps;
  std::string expected_source;
  std::string expected_lr;
  std::string expected_hr;
};

/// What the bytes of pairs depend on besides the recipe; stands in the manifest.
std::string present_environment();

/// Makes and writes the pairs of `tasks` on several threads; their lines go to the manifest in the order of the tasks,
/// behind `header` and `old_lines`. `recipe` may be null where every task has its steps. Throws IoError where results
/// cannot be written; what is wrong with one pair alone is counted in the tally.
PairTally make_tasks(const Recipe* recipe, const std::filesystem::path& folder, const PairOptions& options,
                     const nlohmann::ordered_json& header, const std::vector<PairTask>& tasks,
                     const std::vector<std::string>& old_lines, PairTally tally, const PairProgress& progress);

}  // namespace zsr
