#include "training/patches.h"

#include "core/error.h"
#include "core/normal_field.h"
#include "degradations/downsample.h"
#include "degradations/kernel_families.h"
#include "image/dihedral.h"
#include "image/photo.h"
#include "image/resize.h"
#include "srmd/kernel_before_imresize.h"
#include "training/mosaic_patch.h"
#include "training/patch_kernels.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::training {
namespace {

constexpr int64_t kDirectKernels = 500;

// LR pixels around a patch that the kernels of a condition reach.
int64_t margin_of(Condition condition) {
  switch (condition) {
    case Condition::kNone:
    case Condition::kDamage:
    case Condition::kKernel:  // patches continue periodically
      return 0;
    case Condition::kSrmd:
      return 7;  // 7 HR pixels of blur at most, then imresize's two LR pixels
    case Condition::kKernelAndNoise:
      return 6;
    case Condition::kMosaic:
      return kMosaicMargin;
  }
  return 0;
}

torch::Tensor to_float(const torch::Tensor& bytes) {
  return bytes.to(torch::kFloat32) / 255.0;
}

// [1, size, size] with the anchor of `kernel` at size / 2; `size` is odd and large enough.
torch::Tensor in_array(const BlurKernel& kernel, int64_t size) {
  torch::Tensor array = torch::zeros({1, size, size});
  array[0]
      .narrow(0, size / 2 - kernel.anchor_y(), kernel.height())
      .narrow(1, size / 2 - kernel.anchor_x(), kernel.width())
      .copy_(kernel.weights());
  return array;
}

// Whether the photo was made smaller once and not blurred: what is left is sharp at the scale of its pixels.
bool is_sharp(const std::vector<Step>& steps) {
  int64_t resampled = 0;
  for (const Step& step : steps) {
    if (std::holds_alternative<BlurStep>(step)) return false;
    resampled += std::holds_alternative<ResizeStep>(step) || std::holds_alternative<SubsampleStep>(step) ? 1 : 0;
  }
  return resampled <= 1;
}

}  // namespace

std::vector<float> condition_of(Condition condition, const BlurKernel& kernel, double noise, int64_t scale,
                                Phase phase) {
  std::vector<float> values;
  if (condition == Condition::kSrmd) {
    const torch::Tensor code = srmd_basis().encode(kernel).to(torch::kFloat32);
    values.assign(code.data_ptr<float>(), code.data_ptr<float>() + code.numel());
    values.push_back(static_cast<float>(noise / 255.0));
  } else if (condition == Condition::kKernelAndNoise) {
    const torch::Tensor maps = zssr::start_condition(kernel, noise / 255.0, scale, phase);
    values.assign(maps.data_ptr<float>(), maps.data_ptr<float>() + maps.numel());
  }
  return values;
}

int64_t PatchSource::least_side(const PatchOptions& options, Condition condition) {
  return (options.patch + 2 * margin_of(condition)) * options.max_scale();
}

PatchSource::PatchSource(std::vector<torch::Tensor> photos, Condition condition, const PatchOptions& options)
    : condition_(condition), options_(options) {
  options.validate();
  const int64_t s = options.max_scale();
  double area = 0.0;
  for (const torch::Tensor& photo : photos) {
    const int64_t height = photo.size(1) / s * s;
    const int64_t width = photo.size(2) / s * s;
    if (std::min(height, width) < least_side(options, condition)) {
      throw OptionError(fmt::format("a photo of {}x{} is too small for patches of {} pixels", photo.size(2),
                                    photo.size(1), options.patch * s));
    }
    TrainingPhoto made;
    made.hr = photo.slice(1, 0, height).slice(2, 0, width).contiguous();
    if (condition == Condition::kNone && (options.recipes.empty() || options.curriculum > 0)) {
      const auto factor = 1.0 / static_cast<double>(s);
      made.lr =
          imresize_uint8(to_float(made.hr).unsqueeze(0), {factor, factor})[0].mul(255.0).round_().to(torch::kUInt8);
    }
    photos_.push_back(made);
    area += static_cast<double>(height * width);
    chance_.push_back(area);
  }
  if (photos_.empty()) throw OptionError("no photos to train on");
  for (double& value : chance_) value /= area;
  if (condition != Condition::kSrmd) return;
  srmd_basis();  // before the threads that draw
  if (options.direct == 0.0) return;
  const srmd::KernelBeforeImresize before_imresize(s);
  Random random(derive_seed(options.seed, "direct-kernels"));
  for (int64_t i = 0; i < kDirectKernels; ++i) {
    const BlurKernel whole = draw_direct_kernel(s, random);
    direct_.push_back({whole, before_imresize(whole)});
  }
}

PatchSource::PatchSource(std::vector<TrainingPhoto> pairs, const PatchOptions& options, std::vector<float> condition)
    : photos_(std::move(pairs)),
      condition_(Condition::kNone),
      options_(options),
      fixed_condition_(std::move(condition)) {
  options.validate();
  const int64_t s = options.max_scale();
  double area = 0.0;
  for (const TrainingPhoto& pair : photos_) {
    const bool fits = pair.hr.size(1) == s * pair.lr.size(1) && pair.hr.size(2) == s * pair.lr.size(2);
    if (!fits || std::min(pair.lr.size(1), pair.lr.size(2)) < options.patch) {
      throw OptionError(fmt::format("a pair of {}x{} and {}x{} pixels does not serve for x{} and patches of {}",
                                    pair.lr.size(2), pair.lr.size(1), pair.hr.size(2), pair.hr.size(1), s,
                                    options.patch));
    }
    area += static_cast<double>(pair.lr.size(1) * pair.lr.size(2));
    chance_.push_back(area);
  }
  if (photos_.empty()) throw OptionError("no pairs to train on");
  for (double& value : chance_) value /= area;
}

PatchSource::Example PatchSource::cut_fixed(const TrainingPhoto& photo, Random& random) const {
  const int64_t s = options_.max_scale();
  const int64_t p = options_.patch;
  const int64_t align = options_.align;
  const int64_t y = align * random.index((photo.lr.size(1) - p) / align + 1);
  const int64_t x = align * random.index((photo.lr.size(2) - p) / align + 1);
  return {to_float(photo.lr.slice(1, y, y + p).slice(2, x, x + p)),
          to_float(photo.hr.slice(1, y * s, (y + p) * s).slice(2, x * s, (x + p) * s)),
          fixed_condition_,
          {}};
}

nlohmann::ordered_json PatchSource::describe() const {
  nlohmann::ordered_json json{{"photos", photos_.size()},
                              {"patch", options_.patch},
                              {"batch", options_.batch},
                              {"curriculum", options_.curriculum},
                              {"seed", options_.seed}};
  if (options_.align != 1) json["align"] = options_.align;
  if (condition_ == Condition::kDamage) {
    json["known"] = options_.known;
    if (options_.known_soft) json["known_soft"] = *options_.known_soft;
  } else if (condition_ != Condition::kNone) {
    json.update({{"noise", options_.noise}, {"noisy", options_.noisy}});
    if (condition_ != Condition::kMosaic) json["sharp"] = options_.sharp;
    if (options_.direct > 0.0) json["direct"] = options_.direct;
  }
  for (const RecipeStage& stage : options_.stages) {
    for (const auto& [scale, recipe] : stage.recipes) {
      json[fmt::format("recipe x{} before step {}", scale, stage.until)] = recipe->describe();
    }
  }
  for (const ScaleGrowth::Join& join : options_.growth.joins) json["joins"].push_back({join.from, join.whole});
  for (const auto& [scale, recipe] : options_.recipes) {
    json[options_.scales.size() == 1 ? "recipe" : fmt::format("recipe x{}", scale)] = recipe->describe();
  }
  return json;
}

PatchSource::Example PatchSource::make_conditioned(const TrainingPhoto& photo, Random& random, double hardness) const {
  const int64_t s = options_.max_scale();
  const int64_t m = margin_of(condition_);
  const int64_t side = (options_.patch + 2 * m) * s;
  const int64_t y = random.index(photo.hr.size(1) - side + 1);
  const int64_t x = random.index(photo.hr.size(2) - side + 1);
  // The photo turns before it is blurred, so that a kernel of any direction meets it.
  const torch::Tensor hr =
      dihedral(to_float(photo.hr.slice(1, y, y + side).slice(2, x, x + side)), random.index(8)).contiguous();
  const bool srmd = condition_ == Condition::kSrmd;
  const DirectKernel* const direct = !direct_.empty() && random.uniform() < options_.direct
                                         ? &direct_[static_cast<size_t>(random.index(kDirectKernels))]
                                         : nullptr;
  const BlurKernel kernel = direct != nullptr ? direct->before_imresize
                            : srmd            ? draw_srmd_kernel(options_, random, hardness)
                                              : draw_start_kernel(options_, random, hardness);
  const double noise = draw_noise(options_, random, hardness);
  const auto factor = static_cast<double>(s);
  const Phase phase = srmd ? centered_phase({factor, factor}) : draw_phase(s, random);
  torch::Tensor lr = direct != nullptr ? downsample(hr.unsqueeze(0), direct->whole.moved_to(phase), {factor, factor})[0]
                                       : made_smaller(hr.unsqueeze(0), condition_, kernel, s, phase)[0];
  lr = lr.slice(1, m, m + options_.patch).slice(2, m, m + options_.patch).contiguous();
  if (noise > 0.0) {
    torch::Tensor field = torch::empty_like(lr);
    fill_normal(random.bits(), field.data_ptr<float>(), field.numel());
    lr = lr + field * (noise / 255.0);
  }
  return {quantize(lr), hr.slice(1, m * s, -m * s).slice(2, m * s, -m * s),
          condition_of(condition_, kernel, noise, s, phase), phase};
}

PatchSource::Example PatchSource::make_with_kernel(const TrainingPhoto& photo, int64_t scale, Random& random,
                                                   double hardness) const {
  constexpr int64_t kArray = 33;  // holds the bicubic kernel of x4 too
  const int64_t side = options_.patch * scale;
  const int64_t y = random.index(photo.hr.size(1) - side + 1);
  const int64_t x = random.index(photo.hr.size(2) - side + 1);
  const torch::Tensor hr =
      dihedral(to_float(photo.hr.slice(1, y, y + side).slice(2, x, x + side)), random.index(8)).contiguous();
  const torch::Tensor kernel = in_array(draw_any_kernel(options_, scale, random, hardness), kArray);
  const double noise = draw_noise(options_, random, hardness);
  torch::Tensor lr = blurred_periodically(hr.unsqueeze(0), kernel.unsqueeze(0), scale)[0];
  if (noise > 0.0) {
    torch::Tensor field = torch::empty_like(lr);
    fill_normal(random.bits(), field.data_ptr<float>(), field.numel());
    lr = lr + field * (noise / 255.0);
  }
  return {quantize(lr), hr, {static_cast<float>(noise / 255.0)}, {}, kernel};
}

PatchSource::Example PatchSource::make_mosaic(const TrainingPhoto& photo, Random& random, double hardness) const {
  const int64_t m = kMosaicMargin;
  const int64_t s = options_.max_scale();
  const int64_t side = (options_.patch + 2 * m) * s;
  const int64_t y = random.index(photo.hr.size(1) - side + 1);
  const int64_t x = random.index(photo.hr.size(2) - side + 1);
  // The photo turns before it is sampled: the mosaic's phase stays.
  const torch::Tensor hr =
      dihedral(to_float(photo.hr.slice(1, y, y + side).slice(2, x, x + side)), random.index(8)).contiguous();
  const torch::Tensor seen = mosaic_example(small_version(hr, s), draw_noise(options_, random, hardness), random);
  const auto inside = [](const torch::Tensor& image, int64_t margin) {
    return image.slice(1, margin, -margin).slice(2, margin, -margin).contiguous();
  };
  return {inside(seen, m), inside(hr, m * s), {}, {}};
}

const Recipe& PatchSource::recipe_of(int64_t scale, int64_t step) const {
  for (const RecipeStage& stage : options_.stages) {
    if (step < stage.until) return *stage.recipes.at(scale);
  }
  return *options_.recipes.at(scale);
}

PatchSource::Example PatchSource::make_by_recipe(const TrainingPhoto& photo, int64_t scale, int64_t step,
                                                 Random& random) const {
  const int64_t side = options_.patch * scale;
  const int64_t y = random.index(photo.hr.size(1) - side + 1);
  const int64_t x = random.index(photo.hr.size(2) - side + 1);
  const torch::Tensor hr = to_float(photo.hr.slice(1, y, y + side).slice(2, x, x + side)).contiguous();
  const std::vector<Step> steps = recipe_of(scale, step).draw({side, side}, random);
  Example example{quantize(apply_steps(steps, hr.unsqueeze(0))[0]), hr, {}, {}};
  if (example.lr.size(0) != 3) {
    throw OptionError(
        "the recipe ends in a mosaic, which 'zsr train demosaic' makes by itself; leave the step 'mosaic' out");
  }
  if (condition_ != Condition::kDamage) return example;
  // Each level by itself may be known or not.
  const double known = is_sharp(steps) ? options_.known : options_.known_soft.value_or(options_.known);
  const bool noise = random.uniform() < known;
  const bool jpeg = random.uniform() < known;
  networks::Damage damage;
  if (noise || jpeg) damage = damage_of(steps, hr.unsqueeze(0));
  if (!noise) damage.noise.reset();
  if (!jpeg) damage.jpeg_quality.reset();
  example.condition = networks::damage_maps(damage);
  return example;
}

networks::Damage damage_of(const std::vector<Step>& steps, const torch::Tensor& hr) {
  const auto is_jpeg = [](const Step& step) { return std::holds_alternative<JpegStep>(step); };
  const auto is_noise = [](const Step& step) {
    return std::holds_alternative<GaussianNoiseStep>(step) || std::holds_alternative<SpeckleStep>(step) ||
           std::holds_alternative<GrainStep>(step) || std::holds_alternative<PoissonStep>(step) ||
           std::holds_alternative<CameraStep>(step);
  };
  networks::Damage damage;
  damage.jpeg_quality = 100.0;
  std::vector<Step> uncompressed;
  std::vector<Step> clean;
  for (const Step& step : steps) {
    if (is_jpeg(step)) {
      damage.jpeg_quality = static_cast<double>(std::get<JpegStep>(step).quality);
      continue;
    }
    const bool resampled = std::holds_alternative<ResizeStep>(step) || std::holds_alternative<SubsampleStep>(step) ||
                           std::holds_alternative<BlurStep>(step);
    if (resampled && damage.jpeg_quality != 100.0) damage.jpeg_quality.reset();
    uncompressed.push_back(step);
    if (!is_noise(step)) clean.push_back(step);
  }
  damage.noise = 0.0;
  if (clean.size() == uncompressed.size()) return damage;
  const double level = 255.0 * (apply_steps(uncompressed, hr) - apply_steps(clean, hr)).std().item<double>();
  damage.noise = std::min(level, networks::Damage::kMaxNoise);
  return damage;
}

PatchSource::Example PatchSource::draw_one(Random& random, int64_t scale, int64_t step, double hardness) const {
  const auto at = std::upper_bound(chance_.begin(), chance_.end(), random.uniform()) - chance_.begin();
  const TrainingPhoto& photo =
      photos_[static_cast<size_t>(std::min<int64_t>(at, static_cast<int64_t>(photos_.size()) - 1))];
  if (condition_ == Condition::kDamage) return make_by_recipe(photo, scale, step, random);
  if (condition_ == Condition::kMosaic) return make_mosaic(photo, random, hardness);
  if (condition_ == Condition::kKernel) return make_with_kernel(photo, scale, random, hardness);
  if (condition_ != Condition::kNone) return make_conditioned(photo, random, hardness);
  // Early in a curriculum most patches are only made smaller.
  const bool by_recipe = !options_.recipes.empty() && (hardness >= 1.0 || random.uniform() < hardness);
  return by_recipe ? make_by_recipe(photo, scale, step, random) : cut_fixed(photo, random);
}

std::vector<Batch> PatchSource::draw(int64_t step, int64_t first, int64_t last) const {
  const torch::NoGradGuard no_grad;
  std::vector<Batch> batches;
  if (!options_.growth.joins.empty()) {
    std::vector<int64_t> all;
    for (int64_t i = first; i < last; ++i) all.push_back(i);
    Random random(derive_seed(options_.seed, fmt::format("scale of step {}", step)));
    const int64_t number = random.index(static_cast<int64_t>(options_.growth.joined(step)));
    return {draw_scale(step, options_.scales[static_cast<size_t>(number)], all)};
  }
  const auto count = static_cast<int64_t>(options_.scales.size());
  for (int64_t k = 0; k < count; ++k) {
    std::vector<int64_t> places;
    for (int64_t i = first; i < last; ++i) {
      if (i % count == k) places.push_back(i);
    }
    if (!places.empty()) batches.push_back(draw_scale(step, options_.scales[static_cast<size_t>(k)], places));
  }
  return batches;
}

Batch PatchSource::draw_scale(int64_t step, int64_t scale, const std::vector<int64_t>& places) const {
  const double hardness = options_.curriculum > 0
                              ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options_.curriculum))
                              : 1.0;
  std::vector<torch::Tensor> inputs;
  std::vector<torch::Tensor> targets;
  std::vector<torch::Tensor> bases;
  std::vector<torch::Tensor> kernels;
  for (const int64_t i : places) {
    Random random(derive_seed(options_.seed, fmt::format("patch {} of step {}", i, step)));
    Example example = draw_one(random, scale, step, hardness);
    // What a recipe or imresize made turns with its HR image; the condition of others says which way the kernel lies.
    if (condition_ == Condition::kNone || condition_ == Condition::kDamage) {
      const int64_t turn = random.index(8);
      example.lr = dihedral(example.lr, turn);
      example.hr = dihedral(example.hr, turn);
    }
    const torch::Tensor maps =
        torch::tensor(example.condition).view({-1, 1, 1}).expand({-1, options_.patch, options_.patch});
    inputs.push_back(example.condition.empty() ? example.lr : torch::cat({example.lr, maps}));
    targets.push_back(example.hr);
    if (example.kernel.defined()) kernels.push_back(example.kernel);
    if (condition_ == Condition::kKernelAndNoise) {
      const auto factor = static_cast<double>(scale);
      ResizeOptions grid;
      grid.phase = example.phase;
      bases.push_back(imresize(example.lr.unsqueeze(0), {factor, factor}, grid));
    }
  }
  Batch batch{torch::stack(inputs), torch::stack(targets), {}, scale};
  if (!bases.empty()) batch.base = torch::cat(bases);
  if (!kernels.empty()) batch.kernels = torch::stack(kernels);
  return batch;
}

}  // namespace zsr::training
