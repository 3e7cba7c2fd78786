#pragma once

#include "degradations/recipe.h"

#include <utility>

namespace zsr {

/// A list of steps in the making; keeps the size that the image has by now.
class Draft {
 public:
  Draft(Size hr, Random& random) : size_(hr), random_(random) {}

  void add(const Step& step) {
    size_ = size_after(step, size_);
    steps_.push_back(step);
  }
  /// To `size`, at least one pixel.
  void resize(Size size, ResizeMethod method) {
    add(ResizeStep{std::max<int64_t>(1, size.height), std::max<int64_t>(1, size.width), method});
  }
  /// JPEG of a quality from 30 to 95, BSRGAN's and Real-ESRGAN's range.
  void add_jpeg() { add(JpegStep{whole(30, 95)}); }
  Size size() const { return size_; }
  std::vector<Step> take() { return std::move(steps_); }

  Random& random() { return random_; }
  bool chance(double probability) { return random_.uniform() < probability; }
  double uniform(Range range) { return random_.uniform(range.low, range.high); }
  /// Whole number from low to high, both included.
  int64_t whole(int64_t low, int64_t high) { return low + random_.index(high - low + 1); }
  /// 53 bits, so that JSON readers that know only doubles keep it.
  uint64_t seed() { return random_.bits() >> 11U; }

 private:
  Size size_;
  Random& random_;
  std::vector<Step> steps_;
};

/// size / divisor per axis, cut to whole pixels as the published Python codes do.
inline Size divided(Size size, double divisor) {
  return {static_cast<int64_t>(static_cast<double>(size.height) / divisor),
          static_cast<int64_t>(static_cast<double>(size.width) / divisor)};
}

/// A random order of 0 .. count - 1 (Fisher and Yates).
std::vector<int64_t> random_order(int64_t count, Random& random);

/// BSRGAN's channel covariance: |U' D U| times the variance of `level`, D = diag(U(0, 1)), U a random basis.
std::array<double, 9> random_covariance(double level, Random& random);

std::unique_ptr<Recipe> make_bicubic_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_classical_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_srmd_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_div2krk_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_fkp_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_kmsr_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_bsrgan_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_bsrgan_plus_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_realesrgan_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_photo_recipe(const RecipeOptions& options);
std::unique_ptr<Recipe> make_camera_recipe(const RecipeOptions& options);
/// A learned degradation (degradations/learned). Throws as load_recipe does.
std::unique_ptr<Recipe> load_learned_recipe(const std::filesystem::path& path, Scale scale);
/// "realesrgan:0.4,photo:0.6": each image by one of them, chosen by weight. Throws as make_recipe does.
std::unique_ptr<Recipe> make_mixture(const std::string& text, const RecipeOptions& options);

}  // namespace zsr
