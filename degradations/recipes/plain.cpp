// The recipes without shuffling: bicubic, classical, srmd, div2krk, kmsr.
#include "core/error.h"
#include "degradations/recipes/draft.h"
#include "degradations/step_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

Json range_json(const std::optional<Range>& range) {
  return range ? Json::array({range->low, range->high}) : Json(nullptr);
}

// Noise and JPEG as asked for, after rounding to 8 bits as a camera's file would be, unless the user wants more.
void add_noise_and_jpeg(Draft& draft, const RecipeOptions& options) {
  if (options.rounded) draft.add(RoundStep{});
  if (options.noise) {
    const double level = draft.uniform(*options.noise);
    draft.add(GaussianNoiseStep{{.level = level, .color = NoiseColor::kColor, .seed = draft.seed()}});
  }
  if (options.jpeg) {
    draft.add(JpegStep{draft.whole(std::llround(options.jpeg->low), std::llround(options.jpeg->high))});
  }
}

// Both variances alike, and the angle.
void draw_ellipse(Draft& draft, Range variance, KernelSpec& kernel) {
  kernel.sigma_1 = std::sqrt(draft.uniform(variance));
  kernel.sigma_2 = std::sqrt(draft.uniform(variance));
  kernel.angle = draft.uniform({0.0, std::numbers::pi});
}

class Plain : public Recipe {
 public:
  Plain(std::string name, RecipeOptions options) : name_(std::move(name)), options_(std::move(options)) {}
  Json describe() const override {
    Json json{{"name", name_}, {"scale_y", options_.scale.y}, {"scale_x", options_.scale.x}};
    json["noise"] = range_json(options_.noise);
    json["jpeg"] = range_json(options_.jpeg);
    json["blur_sigma"] = range_json(options_.blur_sigma);
    if (options_.kernel) json["kernel"] = to_json(*options_.kernel);
    if (options_.direct) json["direct"] = *options_.direct;
    json["border"] = static_cast<int>(options_.border);
    json["corner"] = options_.corner;
    if (!options_.rounded) json["rounded"] = false;
    for (const KernelSpec& spec : options_.pool) json["pool"].push_back(to_json(spec));
    return json;
  }

 protected:
  Size low(Size hr) const { return scaled_size(hr, {1.0 / options_.scale.y, 1.0 / options_.scale.x}); }
  int64_t whole_scale() const { return std::llround(options_.scale.y); }
  void resize(Draft& draft, Size hr, ResizeMethod method) const {
    const Size size = low(hr);
    const ResizeBorder border =
        options_.border == Border::kReplicate ? ResizeBorder::kReplicate : ResizeBorder::kSymmetric;
    draft.add(ResizeStep{size.height, size.width, method, border, options_.corner, options_.scale.y, options_.scale.x});
  }
  const RecipeOptions& options() const { return options_; }

 private:
  std::string name_;
  RecipeOptions options_;
};

class Bicubic : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    resize(draft, hr, options().rounded ? ResizeMethod::kMatlabCubic8Bit : ResizeMethod::kMatlabCubic);
    add_noise_and_jpeg(draft, options());
    return draft.take();
  }
};

// Blur, then every s-th pixel or imresize, then noise: the textbook model. With direct sampling the kernel carries the
// phase: it is moved to where LR pixels stand, unless imresize follows, which does that itself. Where the factor is not
// whole, the blurred image is read between its pixels.
class Classical : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const bool direct = options().direct.value_or(true);
    const Scale scale = options().scale;
    const bool whole = scale.y == scale.x && scale.y == std::round(scale.y);
    const Phase phase = direct && whole && !options().corner ? centered_phase(scale) : Phase{};
    BlurStep blur;
    blur.border = options().border;
    if (options().kernel) {
      blur.kernel = *options().kernel;
      if (blur.kernel.family != KernelFamily::kFile) blur.kernel.offset = phase.y;
      blur.kernel.move = true;
      blur.kernel.phase_y = phase.y;
      blur.kernel.phase_x = phase.x;
    } else {
      const double sigma = draft.uniform(options().blur_sigma.value_or(Range{0.2, std::max(scale.y, scale.x)}));
      blur.kernel.sigma_1 = blur.kernel.sigma_2 = std::max(sigma, 1e-3);
      blur.kernel.size = 2 * static_cast<int64_t>(std::ceil(3.0 * sigma + phase.y)) + 1;
      blur.kernel.offset = phase.y;
    }
    draft.add(blur);
    if (direct && whole) {
      draft.add(SubsampleStep{whole_scale(), 0});
    } else {
      resize(draft, hr, direct ? ResizeMethod::kMatlabSampled : ResizeMethod::kMatlabCubic);
    }
    add_noise_and_jpeg(draft, options());
    return draft.take();
  }
};

// KAIR, data/dataset_srmd.py and utils_sisr.gen_kernel's caller: variances l1 in [0.1, 10], l2 in [0.1, l1], 15 x 15,
// replicated border, imresize, LR to 8 bits, then noise (SRMD's paper: 0 to 75).
class Srmd : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const double first = draft.uniform({0.1, 10.0});
    BlurStep blur;
    blur.border = Border::kReplicate;
    blur.kernel.size = 15;
    blur.kernel.sigma_1 = std::sqrt(first);
    blur.kernel.sigma_2 = std::sqrt(draft.uniform({0.1, first}));
    blur.kernel.angle = draft.uniform({0.0, std::numbers::pi});
    draft.add(blur);
    resize(draft, hr, ResizeMethod::kMatlabCubic);
    RecipeOptions noise = options();
    if (!noise.noise) noise.noise = Range{0.0, 75.0};
    add_noise_and_jpeg(draft, noise);
    return draft.take();
  }
};

// The generator of KernelGAN's benchmark: variances U(0.175 s, 2.5 s), multiplicative noise of 40 %, centre moved to
// the middle of the s x s pixels, sampled from the first pixel on, cast to uint8 (rounded down: measured against the
// published LR files). Kernel sizes 11 (x2) and 31 (x4) are those of the dataset's files, 10 (s - 1) + 1 between.
class Div2krk : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const double scale = options().scale.y;
    const double middle = 0.5 * (scale - 1.0);
    BlurStep blur;
    if (options().kernel) {
      blur.kernel = *options().kernel;
      blur.kernel.shift = middle;  // the dataset's kernel files are centred
      KernelSpec centered = blur.kernel;
      centered.shift = 0.0;
      shifted_inside(make_kernel(centered), middle, &blur.gain);
    } else {
      blur.kernel.family = KernelFamily::kDiv2krk;
      blur.kernel.size = 10 * (whole_scale() - 1) + 1;
      draw_ellipse(draft, {0.175 * scale, 2.5 * scale}, blur.kernel);
      blur.kernel.noise = 0.4;
      blur.kernel.offset = middle;
      blur.kernel.seed = draft.seed();
    }
    draft.add(blur);
    draft.add(SubsampleStep{whole_scale(), 0});
    draft.add(RoundStep{.down = true});
    return draft.take();
  }
};

// The test images of FKP (Liang et al., CVPR 2021; FKP/data/prepare_dataset.py): the kernels that the prior is trained
// on, variances U(0.175 s, min(2.5 s, 10)) in min(4 s + 3, 21) pixels, centre of mass at (side - s) / 2, border wrapped
// around, sampled from the first pixel on. LR and HR then stand s - 1 pixels apart (KernelConvention::kFkp).
class Fkp : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const double scale = options().scale.y;
    BlurStep blur;
    blur.border = Border::kWrap;
    blur.kernel.size = std::min<int64_t>(4 * whole_scale() + 3, 21);
    draw_ellipse(draft, {0.175 * scale, std::min(2.5 * scale, 10.0)}, blur.kernel);
    blur.kernel.offset = -0.5 * (scale - 1.0);
    draft.add(blur);
    draft.add(SubsampleStep{whole_scale(), 0});
    draft.add(RoundStep{});
    return draft.take();
  }
};

// Zhou and Suesstrunk, "Kernel modeling super-resolution on real low-resolution images", 2019: a kernel of the pool,
// which stands for the whole way down, then every s-th pixel.
class Kmsr : public Plain {
 public:
  using Plain::Plain;
  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    BlurStep blur;
    blur.kernel = options().pool[static_cast<size_t>(random.index(static_cast<int64_t>(options().pool.size())))];
    draft.add(blur);
    draft.add(SubsampleStep{whole_scale(), (whole_scale() - 1) / 2});
    draft.add(RoundStep{});
    return draft.take();
  }
};

}  // namespace

std::unique_ptr<Recipe> make_bicubic_recipe(const RecipeOptions& options) {
  return std::make_unique<Bicubic>("bicubic", options);
}

std::unique_ptr<Recipe> make_classical_recipe(const RecipeOptions& options) {
  return std::make_unique<Classical>("classical", options);
}

std::unique_ptr<Recipe> make_srmd_recipe(const RecipeOptions& options) {
  return std::make_unique<Srmd>("srmd", options);
}

std::unique_ptr<Recipe> make_div2krk_recipe(const RecipeOptions& options) {
  return std::make_unique<Div2krk>("div2krk", options);
}

std::unique_ptr<Recipe> make_fkp_recipe(const RecipeOptions& options) {
  return std::make_unique<Fkp>("fkp", options);
}

std::unique_ptr<Recipe> make_kmsr_recipe(const RecipeOptions& options) {
  if (options.pool.empty()) {
    throw OptionError("recipe 'kmsr' needs a pool of kernels: a folder or file of them (--kernel-pool)");
  }
  return std::make_unique<Kmsr>("kmsr", options);
}

}  // namespace zsr
