#include "degradations/recipe.h"

#include "core/error.h"
#include "degradations/recipes/draft.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numeric>

namespace zsr {
namespace {

struct Entry {
  RecipeName name;
  std::unique_ptr<Recipe> (*make)(const RecipeOptions&);
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> table = {
      {{"bicubic", "imresize to the byte: the benchmark protocol (noise and jpeg only when asked)"},
       make_bicubic_recipe},
      {{"classical", "Gaussian blur or a given kernel, every s-th pixel or imresize, noise, JPEG"},
       make_classical_recipe},
      {{"srmd", "Random anisotropic Gaussian 15x15, imresize, noise 0-75 (SRMD's training)"}, make_srmd_recipe},
      {{"div2krk", "Random Gaussian with multiplicative noise, every s-th pixel (KernelGAN's benchmark)"},
       make_div2krk_recipe},
      {{"fkp", "Random anisotropic Gaussian, every s-th pixel, s - 1 pixels off (FKP's benchmark)"}, make_fkp_recipe},
      {{"kmsr", "A kernel from a pool of estimated ones, every s-th pixel"}, make_kmsr_recipe},
      {{"bsrgan", "Shuffled blurs, resizes, noise and JPEG (BSRGAN's training)"}, make_bsrgan_recipe},
      {{"bsrgan-plus", "The same with thirteen steps, Poisson and speckle noise"}, make_bsrgan_plus_recipe},
      {{"realesrgan", "Blur, resize, noise and JPEG twice, sinc filters (Real-ESRGAN's training)"},
       make_realesrgan_recipe},
      {{"photo", "Photos as people bring them: blur, noise or grain, JPEG, mostly mild; one of eight is clean"},
       make_photo_recipe},
      {{"camera", "What a camera's sensor writes: a Bayer mosaic with shot and read noise, as DNG"},
       make_camera_recipe},
  };
  return table;
}

void check_range(const std::optional<Range>& range, const char* name, double low, double high) {
  if (!range) return;
  if (!(range->low >= low && range->high <= high && range->low <= range->high)) {
    throw OptionError(
        fmt::format("{} = {:g}:{:g}, must be LOW:HIGH within {:g} to {:g}", name, range->low, range->high, low, high));
  }
}

void check_scale(Scale scale, bool any_fraction) {
  const double larger = std::max(scale.y, scale.x);
  if (!(std::min(scale.y, scale.x) >= 1.0) || !(larger <= 16.0)) {
    throw OptionError(fmt::format("scale = {:g}x{:g}, a degradation takes 1 to 16", scale.x, scale.y));
  }
  if (!any_fraction && (scale.y != scale.x || scale.y != std::round(scale.y))) {
    throw OptionError(
        fmt::format("scale = {:g}x{:g}: this recipe takes a whole number, the same for both axes", scale.x, scale.y));
  }
}

}  // namespace

const std::vector<RecipeName>& recipe_names() {
  static const std::vector<RecipeName> names = [] {
    std::vector<RecipeName> list;
    for (const Entry& entry : entries()) list.push_back(entry.name);
    return list;
  }();
  return names;
}

std::unique_ptr<Recipe> make_recipe(const std::string& name, const RecipeOptions& options) {
  if (is_recipe_file(name)) {
    if (options.blur_sigma || options.noise || options.jpeg || options.kernel || !options.pool.empty()) {
      throw OptionError(fmt::format("recipe '{}' states blur, noise and compression itself; they cannot be set", name));
    }
    return load_recipe(name, options.scale);
  }
  if (name.find_first_of(",:") != std::string::npos) return make_mixture(name, options);
  check_scale(options.scale, name == "bicubic" || name == "classical");
  check_range(options.blur_sigma, "blur sigma", 0.0, 50.0);
  check_range(options.noise, "noise", 0.0, 255.0);
  check_range(options.jpeg, "jpeg quality", 1.0, 100.0);
  std::string all;
  for (const Entry& entry : entries()) {
    if (name != entry.name.name) {
      all += fmt::format("{}{}", all.empty() ? "" : ", ", entry.name.name);
      continue;
    }
    const bool classical = name == "classical";
    const auto refuse = [&](bool given, const char* what) {
      if (given) throw OptionError(fmt::format("recipe '{}' has its own {}; it cannot be set", name, what));
    };
    refuse(options.blur_sigma && !classical, "blur");
    refuse(options.direct && !classical, "way of downsampling");
    refuse((options.corner || options.border != Border::kSymmetric) && !classical && name != "bicubic",
           "grid and border");
    refuse(!options.rounded && !classical && name != "bicubic", "rounding");
    if (name == "bicubic" && options.border != Border::kSymmetric && options.border != Border::kReplicate) {
      throw OptionError("recipe 'bicubic' continues the image by symmetric or replicate borders");
    }
    refuse(options.kernel && !classical && name != "div2krk", "kernels");
    refuse(!options.pool.empty() && name != "kmsr", "kernels");
    refuse(options.noise && !classical && name != "srmd" && name != "bicubic", "noise");
    refuse(options.jpeg && !classical && name != "bicubic", "compression");
    return entry.make(options);
  }
  throw OptionError(fmt::format("unknown recipe '{}'; there are {}, or a .json or .safetensors file", name, all));
}

bool is_recipe_file(const std::string& name) {
  const bool list = name.find_first_of(",:") != std::string::npos;
  return !list && (name.ends_with(".json") || name.ends_with(".safetensors"));
}

std::vector<int64_t> random_order(int64_t count, Random& random) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i) std::swap(order[i], order[random.index(i + 1)]);
  return order;
}

std::array<double, 9> random_covariance(double level, Random& random) {
  // An orthonormal basis of random directions (Gram and Schmidt); the published code takes that of a random matrix.
  std::array<std::array<double, 3>, 3> basis{};
  for (size_t i = 0; i < 3; ++i) {
    double length = 0.0;
    while (length < 1e-3) {
      for (double& value : basis[i]) value = random.uniform();
      for (size_t j = 0; j < i; ++j) {
        const double along = std::inner_product(basis[i].begin(), basis[i].end(), basis[j].begin(), 0.0);
        for (size_t k = 0; k < 3; ++k) basis[i][k] -= along * basis[j][k];
      }
      length = std::sqrt(std::inner_product(basis[i].begin(), basis[i].end(), basis[i].begin(), 0.0));
    }
    for (double& value : basis[i]) value /= length;
  }
  const std::array<double, 3> diagonal = {random.uniform(), random.uniform(), random.uniform()};
  std::array<double, 9> covariance{};
  for (size_t r = 0; r < 3; ++r) {
    for (size_t c = 0; c < 3; ++c) {
      double sum = 0.0;
      for (size_t k = 0; k < 3; ++k) sum += basis[k][r] * diagonal[k] * basis[k][c];
      covariance[r * 3 + c] = std::abs(level * level * sum);
    }
  }
  return covariance;
}

}  // namespace zsr
