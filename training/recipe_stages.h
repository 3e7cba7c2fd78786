#pragma once

#include "degradations/recipe.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zsr::training {

/// One stage of a training whose degradations change: a recipe and its part of the steps.
struct StageText {
  std::string recipe;    ///< As --recipe takes it.
  double percent = 0.0;  ///< > 0. Of the steps.
};

/// "bicubic 30%; noisy.json 30%; bsrgan 40%" -> stages. Throws OptionError where a stage is not understood or the
/// percentages do not add up to 100.
std::vector<StageText> parse_stages(const std::string& text);

/// The recipes of the patches, by scale, before step `until`.
struct RecipeStage {
  int64_t until = 0;
  std::map<int64_t, std::shared_ptr<const Recipe>> recipes;
};

}  // namespace zsr::training
