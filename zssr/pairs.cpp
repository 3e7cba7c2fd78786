#include "zssr/pairs.h"

#include "image/dihedral.h"
#include "image/warp.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace zsr::zssr {
namespace {

// Of a father's width; the rest shows whether test-time steps help.
constexpr double kUsedShare = 0.75;

enum class AffineMode { kLeaveAsIs, kNoInterpolation, kFull };

struct AffineDraw {
  size_t source = 0;
  Affine matrix{};
};

Affine translation(double x, double y) {
  return {1, 0, x, 0, 1, y, 0, 0, 1};
}

// One random transform, as the reference code composes it: centre, scale and mirror, rotate, shear, shift, back
// (ZSSR utils.py random_augment; scales and probabilities from configs.py).
AffineDraw draw_transform(const Options& options, const std::vector<FatherSource>& sources, Random& random) {
  const double chooser = random.uniform();
  AffineMode mode = AffineMode::kFull;
  if (chooser < options.pairs.leave_as_is_probability) {
    mode = AffineMode::kLeaveAsIs;
  } else if (chooser < options.pairs.leave_as_is_probability + options.pairs.no_interpolation_probability) {
    mode = AffineMode::kNoInterpolation;
  }
  const double max_scale = sources.back().scale;
  double scale = mode == AffineMode::kLeaveAsIs ? 1.0 : random.uniform(options.pairs.min_father_scale, max_scale);

  // The smallest source that need not be enlarged.
  AffineDraw draw;
  while (draw.source + 1 < sources.size() && sources[draw.source].scale <= scale - 1e-6) ++draw.source;
  const torch::Tensor& image = sources[draw.source].image;
  const auto height = static_cast<double>(image.size(2));
  const auto width = static_cast<double>(image.size(3));

  const bool full = mode == AffineMode::kFull;
  const auto whole = [full](double value) { return full ? value : std::round(value); };
  scale = full ? scale / sources[draw.source].scale : 1.0;
  const double difference = full ? random.normal() * options.pairs.aspect_sigma : 0.0;
  const double mirror = mode != AffineMode::kLeaveAsIs && options.pairs.rotate && random.uniform() < 0.5 ? -1.0 : 1.0;
  const auto crop = static_cast<double>(options.pairs.crop);
  const double shift_x = whole(random.uniform() * std::max(0.0, scale * width - crop));
  const double shift_y = whole(random.uniform() * std::max(0.0, scale * height - crop));
  double angle = 0.0;
  if (options.pairs.rotate && full) angle = random.uniform(0.0, 2.0 * std::numbers::pi);
  if (options.pairs.rotate && mode == AffineMode::kNoInterpolation) {
    angle = static_cast<double>(random.index(4)) * std::numbers::pi / 2.0;
  }
  const double shear_x = full ? random.normal() * options.pairs.shear_sigma : 0.0;
  const double shear_y = full ? random.normal() * options.pairs.shear_sigma : 0.0;

  const Affine to_center = translation(-whole(width / 2.0), -whole(height / 2.0));
  const Affine from_center = translation(whole(width / 2.0), whole(height / 2.0));
  const Affine resize{mirror * (scale + difference / 2.0), 0, 0, 0, scale - difference / 2.0, 0, 0, 0, 1};
  const Affine rotate{std::cos(angle), std::sin(angle), 0, -std::sin(angle), std::cos(angle), 0, 0, 0, 1};
  const Affine shear{1, shear_x, 0, shear_y, 1, 0, 0, 0, 1};
  draw.matrix = multiply(from_center, multiply(translation(-shift_x, -shift_y),
                                               multiply(shear, multiply(rotate, multiply(resize, to_center)))));
  return draw;
}

int64_t whole_multiple(int64_t length, double scale) {
  const auto step = static_cast<int64_t>(std::llround(scale));
  if (std::abs(scale - static_cast<double>(step)) > 1e-9) return length;
  return std::max(step, length / step * step);
}

}  // namespace

PairSampler::PairSampler(const Options& options, const Formation& formation, std::vector<FatherSource> sources)
    : options_(options), formation_(formation), sources_(std::move(sources)) {
  if (options_.pairs.sampling != Sampling::kPyramid) return;
  // Fathers from the finest image down; in gradual mode that is the result of the step before.
  const torch::Tensor& finest = sources_.back().image;
  double total = 0.0;
  for (const double level : options_.pairs.pyramid_scales) {
    const torch::Tensor father = level == 1.0 ? finest : imresize(finest, {level, level}).clamp(0.0, 1.0);
    // A son needs a few pixels to show anything.
    if (!pyramid_.empty() && std::min(father.size(2), father.size(3)) < 24) continue;
    pyramid_.push_back(father.contiguous());
    total += level * level;
    chance_.push_back(total);
  }
  for (double& value : chance_) value /= total;
}

torch::Tensor PairSampler::draw_affine(Random& random) const {
  const AffineDraw draw = draw_transform(options_, sources_, random);
  return warp_affine(sources_[draw.source].image, draw.matrix, options_.pairs.crop, options_.pairs.crop)
      .clamp_(0.0, 1.0);
}

torch::Tensor PairSampler::shuffled(const torch::Tensor& crop, Random& random) const {
  if (!options_.pairs.shuffle_channels || crop.size(1) != 3) return crop;
  constexpr std::array<std::array<int64_t, 3>, 6> kOrders{
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  const auto& order = kOrders[static_cast<size_t>(random.index(6))];
  return torch::cat({crop.narrow(1, order[0], 1), crop.narrow(1, order[1], 1), crop.narrow(1, order[2], 1)}, 1);
}

// Crops between the shares `from` and `to` of a father's width.
torch::Tensor PairSampler::draw_crops(Random& random, double from, double to) const {
  // One level a step, so that the crops of a batch can be as large as that level allows.
  const double chooser = random.uniform();
  size_t level = 0;
  while (level + 1 < chance_.size() && chooser >= chance_[level]) ++level;
  const torch::Tensor& whole = pyramid_[level];
  const auto column = [&](double share) { return std::llround(share * static_cast<double>(whole.size(3))); };
  const torch::Tensor father = whole.slice(3, column(from), column(to));
  const Scale scale = formation_.scale();
  constexpr int64_t kSmallestTurned = 16;  // thinner crops keep their orientation, to keep some context
  const bool square = scale.y == scale.x && std::min(father.size(2), father.size(3)) >= kSmallestTurned;
  int64_t height = whole_multiple(std::min(options_.pairs.crop, father.size(2)), scale.y);
  int64_t width = whole_multiple(std::min(options_.pairs.crop, father.size(3)), scale.x);
  if (square && options_.pairs.rotate) height = width = std::min(height, width);  // a turned crop keeps its shape
  std::vector<torch::Tensor> crops;
  for (int64_t i = 0; i < options_.pairs.batch; ++i) {
    const int64_t y = random.index(father.size(2) - std::min(height, father.size(2)) + 1);
    const int64_t x = random.index(father.size(3) - std::min(width, father.size(3)) + 1);
    const torch::Tensor crop = shuffled(father.slice(2, y, y + height).slice(3, x, x + width), random);
    crops.push_back(options_.pairs.rotate ? dihedral(crop, square ? random.index(8) : 2 * random.index(4)) : crop);
  }
  return torch::cat(crops, 0);
}

torch::Tensor PairSampler::make_son(const torch::Tensor& father, Random& random) const {
  const Size size =
      scaled_size({father.size(2), father.size(3)}, {1.0 / formation_.scale().y, 1.0 / formation_.scale().x});
  torch::Tensor son = formation_.down(father, size);
  if (options_.pairs.son_noise > 0.0) {
    torch::Tensor noise = torch::empty(son.sizes(), torch::kFloat32);
    float* value = noise.data_ptr<float>();
    for (int64_t i = 0; i < noise.numel(); ++i)
      value[i] = static_cast<float>(options_.pairs.son_noise * random.normal());
    son = son + noise.to(son.device());
  }
  return son.clamp(0.0, 1.0);
}

Pairs PairSampler::pairs_of(torch::Tensor father, Random& random) const {
  Pairs pairs;
  pairs.father = std::move(father);
  pairs.son = make_son(pairs.father, random);
  pairs.base = formation_.up(pairs.son, {pairs.father.size(2), pairs.father.size(3)});
  return pairs;
}

Pairs PairSampler::draw(Random& random) const {
  if (options_.pairs.sampling == Sampling::kAffine) return pairs_of(draw_affine(random), random);
  return pairs_of(draw_crops(random, 0.0, options_.start ? kUsedShare : 1.0), random);
}

Pairs PairSampler::draw_kept_back(Random& random) const {
  return pairs_of(draw_crops(random, kUsedShare, 1.0), random);
}

}  // namespace zsr::zssr
