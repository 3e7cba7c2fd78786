#pragma once

#include "cli/flags/options.h"
#include "datasets/pair_run.h"
#include "degradations/recipe.h"

#include <memory>
#include <string>
#include <vector>

namespace zsr::cli {

/// Flags that say how LR images are made; `degrade` and later commands that train share them.
struct RecipeFlags {
  std::string recipe;
  std::string scale = "2";
  std::string kernel = "bicubic";
  std::string kernel_pool;
  std::string kernel_convention = "zssr";
  bool normalize_kernel = false;
  std::string blur_sigma;
  std::string noise;
  std::string jpeg;
  std::string down;
  std::string phase = "center";
  std::string border = "symmetric";
  std::string like;
  int64_t bit_depth = 8;
};

void add_recipe_flags(OptionSet& options, RecipeFlags& flags);

/// The kernels of a file, or of all .mat, .npy and .txt files of a folder, as a recipe takes them. `convention`: as
/// --kernel-convention names it. Throws UsageError and the errors of kernel files.
std::vector<KernelSpec> kernel_pool(const std::string& path, const std::string& convention, bool normalize);

/// What the flags come to.
struct ResolvedRecipe {
  std::unique_ptr<Recipe> recipe;
  Scale scale;
  std::vector<std::string> notes;  ///< What --like found, one line each.
};

/// Throws UsageError, OptionError and the errors of recipe, kernel and photo files.
ResolvedRecipe resolve_recipe(const RecipeFlags& flags);

}  // namespace zsr::cli
