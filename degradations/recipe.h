#pragma once

#include "core/random.h"
#include "degradations/step.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// A closed interval to draw from; low = high is a constant.
struct Range {
  double low = 0.0;
  double high = 0.0;
  bool operator==(const Range&) const = default;
};

/// A way to make LR images: draws, for one HR image, the list of steps.
class Recipe {
 public:
  virtual ~Recipe() = default;
  /// Steps that turn an HR image of `hr` pixels (multiples of the scale) into an LR image of hr / scale. All random
  /// numbers come from `random`.
  virtual std::vector<Step> draw(Size hr, Random& random) const = 0;
  /// What identifies the recipe in a record: its name and every setting.
  virtual nlohmann::ordered_json describe() const = 0;
};

/// Settings of the recipes that come with zsr. Fields a recipe does not use must be left alone, else OptionError.
struct RecipeOptions {
  Scale scale{4.0, 4.0};               ///< >= 1; whole and equal but for bicubic and classical; at most 16.
  std::optional<Range> blur_sigma;     ///< classical: standard deviation in HR pixels, both axes the same.
  std::optional<Range> noise;          ///< classical, srmd, bicubic: Gaussian noise level in 1/255.
  std::optional<Range> jpeg;           ///< classical, bicubic: JPEG quality, 1-100.
  std::optional<KernelSpec> kernel;    ///< classical, div2krk: this kernel, not a drawn one.
  std::vector<KernelSpec> pool;        ///< kmsr: kernels to choose from.
  std::optional<bool> direct;          ///< classical: every s-th pixel (true) or imresize (false) after the blur.
  Border border = Border::kSymmetric;  ///< bicubic (symmetric or replicate), classical.
  bool corner = false;                 ///< bicubic, classical: LR pixel i stands at s * i, not at s * i + (s - 1) / 2.
  bool rounded = true;                 ///< bicubic, classical: LR to whole levels of 8 bits, before noise and JPEG.
};

/// Names and one line each of the recipes that come with zsr.
struct RecipeName {
  const char* name;
  const char* summary;
};
const std::vector<RecipeName>& recipe_names();

/// A recipe file (load_recipe, for the scale of `options`), one of `recipe_names()`, or several with weights:
/// "realesrgan:0.4,photo:0.6" makes each image by one of them (a name that ends with .json or .safetensors is a file).
/// Throws OptionError for other names and settings it cannot have. Parameters as published; each recipe's source file
/// names its source and where it differs.
std::unique_ptr<Recipe> make_recipe(const std::string& name, const RecipeOptions& options);

/// Whether that name of a recipe is a file: a JSON recipe of the user, or a degradation that was learned
/// (.safetensors).
bool is_recipe_file(const std::string& name);

/// A recipe from such a file; see Note [Recipe files]. Throws InputError naming the file, the line and the field for
/// everything that is not understood, and OptionError for a scale that a learned degradation was not trained for.
std::unique_ptr<Recipe> load_recipe(const std::filesystem::path& path, Scale scale);

/// Note [Recipe files]
///     {"name": "my phone",
///      "shuffle": false,
///      "steps": [
///        {"op": "blur", "probability": 0.8,
///         "kernel": {"family": "gaussian", "size": 15, "sigma_1": [0.4, 2.5], "sigma_2": [0.4, 2.5], "angle":
///         [0, 3.14]}},
///        {"op": "resize", "method": {"any": ["opencv-area", "matlab-cubic"]}, "to_target": [1.0, 1.5]},
///        {"op": "gaussian-noise", "level": [1, 12], "color": {"any": ["gray", "color"]}},
///        {"op": "jpeg", "quality": [60, 95]}]}
/// Steps are those of Note [Steps] with their fields. A number may be a [low, high] range (uniform; whole numbers stay
/// whole), any value {"any": [...]}; a step may have a probability. Fields left out keep their default; seeds are
/// drawn. A resize says `factor` (against its own input) or `to_target` (against the LR size asked for); an image that
/// is not of the LR size at the end is brought there by imresize. "shuffle": true draws the order of the steps.

}  // namespace zsr
