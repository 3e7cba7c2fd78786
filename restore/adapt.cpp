#include "restore/adapt.h"

#include "core/error.h"
#include "core/normal_field.h"
#include "core/random.h"
#include "degradations/compression.h"
#include "image/metrics.h"
#include "image/photo.h"
#include "image/resize.h"
#include "inference/enlarge.h"
#include "networks/registry.h"
#include "training/trainer.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::restore {
namespace {

constexpr int64_t kPatch = 20;       // pixels of the smaller image
constexpr int64_t kVariants = 8;     // of the smaller image: other noise, and blocks at other places
constexpr int64_t kHeldMargin = 4;   // pixels of the smaller image beside the held-back part
constexpr double kLeastGain = 0.02;  // dB

// `part` made smaller, with the damage of the photo. Averaging has reduced the photo's own noise; the rest is added.
torch::Tensor made_smaller_and_damaged(const torch::Tensor& part, const networks::Damage& damage, int64_t scale,
                                       uint64_t seed) {
  const double factor = 1.0 / static_cast<double>(scale);
  torch::Tensor small = imresize(part, {factor, factor});
  const double level = damage.noise.value_or(0.0) / 255.0 * std::sqrt(1.0 - factor * factor);
  if (level > 0.0) {
    torch::Tensor field = torch::empty_like(small);
    fill_normal(seed, field.data_ptr<float>(), field.numel());
    small = small + field * level;
  }
  small = quantize(small);
  const auto quality = std::lround(damage.jpeg_quality.value_or(100.0));
  return quality < 100 ? jpeg_round_trip(small, quality) : small;
}

torch::Tensor as_bytes(const torch::Tensor& image) {
  return image[0].mul(255.0).round().clamp(0.0, 255.0).to(torch::kUInt8).contiguous();
}

// Pairs of the photo and its smaller versions. JPEG's blocks begin at another pixel in each.
std::vector<training::TrainingPhoto> pairs_of(const torch::Tensor& part, const networks::Damage& damage, int64_t scale,
                                              uint64_t seed) {
  constexpr int64_t kBlock = 8;
  Random random(derive_seed(seed, "adapt-pairs"));
  std::vector<training::TrainingPhoto> pairs;
  for (int64_t i = 0; i < kVariants; ++i) {
    const int64_t top = i == 0 ? 0 : random.index(kBlock) * scale;
    const int64_t left = i == 0 ? 0 : random.index(kBlock) * scale;
    const int64_t height = (part.size(2) - top) / scale * scale;
    const int64_t width = (part.size(3) - left) / scale * scale;
    if (std::min(height, width) < kPatch * scale) continue;
    const torch::Tensor hr = part.narrow(2, top, height).narrow(3, left, width).contiguous();
    pairs.push_back({as_bytes(hr), as_bytes(made_smaller_and_damaged(hr, damage, scale, random.bits()))});
  }
  return pairs;
}

// PSNR of luma of what the network makes of the smaller held-back part.
double held_back_psnr(const torch::Tensor& held, const torch::Tensor& small, const networks::Damage& damage,
                      const WeightsFile& weights, int64_t scale, const RunContext& context) {
  inference::Options options;
  options.scale = {static_cast<double>(scale), static_cast<double>(scale)};
  options.damage = damage;
  RunContext quiet;
  quiet.seed = context.seed;
  const torch::Tensor made =
      inference::enlarge(small, *networks::recognise(weights)->build(weights), options, quiet).image;
  return compare_images(quantize(made), held, {.shave = kHeldMargin * scale}).psnr_y;
}

struct Tuned {
  WeightsFile weights;
  int64_t steps = 0;
  bool diverged = false;
};

// `weights` after some steps on `pairs`.
Tuned fine_tune(const std::vector<training::TrainingPhoto>& pairs, const networks::Damage& damage,
                const WeightsFile& weights, int64_t scale, const RunContext& context) {
  const networks::Kind& kind = *networks::find_kind("restorer");
  Random random(derive_seed(context.seed, "adapt"));
  training::Network network(kind, kind.config_of(weights), random);
  network.load(weights);
  training::PatchOptions patches;
  patches.scales = {scale};
  patches.batch = 8;
  patches.patch = kPatch;
  patches.seed = derive_seed(context.seed, "adapt-patches");
  const training::PatchSource source(pairs, patches, networks::damage_maps(damage));
  training::TrainOptions train;
  train.schedule.steps = 120;
  train.schedule.warm_up = 5;
  train.learning_rate = 1e-4;
  train.muon_rate = 1e-3;
  train.ema = 0.9;
  train.save_every = train.schedule.steps;
  const training::Validation none({}, network);
  training::Communicator alone;
  training::Trainer trainer(network, source, none, train, patches.batch, alone, context.seed);
  // A few patches of 20 pixels: a GPU would mostly wait.
  RunContext on_cpu = context;
  on_cpu.device = torch::kCPU;
  const Summary summary = trainer.run(on_cpu, [](const training::Trainer&, const WeightsFile&) {});
  Tuned tuned{network.weights(trainer.best_parameters()), trainer.state().step,
              summary.termination == Termination::kDiverged};
  tuned.weights.origin = weights.origin;
  return tuned;
}

}  // namespace

Adapted adapt(const torch::Tensor& photo, const networks::Damage& damage, const WeightsFile& weights, int64_t scale,
              const RunContext& context) {
  if (scale < 2) throw OptionError("at its own size a photo has no smaller version to learn from");
  Adapted result{weights, false, "", 0, 0.0, 0.0};
  if (!damage.noise || !damage.jpeg_quality) {
    result.reason = "the photo shows no compression to learn from";
    return result;
  }
  const torch::Tensor color = photo.to(torch::kFloat32).expand({1, 3, -1, -1}).contiguous();
  // The last quarter along the longer side is held back.
  const int64_t axis = color.size(2) >= color.size(3) ? 2 : 3;
  const int64_t length = color.size(axis) / scale * scale;
  const int64_t learned = length * 3 / 4 / scale * scale;
  const int64_t across = color.size(5 - axis) / scale * scale;
  const torch::Tensor whole = color.narrow(axis, 0, length).narrow(5 - axis, 0, across);
  if (std::min(across, length - learned) < (2 * kHeldMargin + 8) * scale || learned < (kPatch + 8) * scale) {
    result.reason =
        fmt::format("the photo is too small: {} pixels a side are needed", 4 * (2 * kHeldMargin + 8) * scale);
    return result;
  }
  const std::vector<training::TrainingPhoto> pairs =
      pairs_of(whole.narrow(axis, 0, learned).contiguous(), damage, scale, context.seed);
  const torch::Tensor held = whole.narrow(axis, learned, length - learned).contiguous();
  const torch::Tensor small =
      made_smaller_and_damaged(held, damage, scale, derive_seed(context.seed, "adapt-held-back"));
  result.before_db = held_back_psnr(held, small, damage, weights, scale, context);

  Tuned tuned = fine_tune(pairs, damage, weights, scale, context);
  result.steps = tuned.steps;
  if (tuned.diverged) {
    result.reason = "training diverged";
    return result;
  }
  result.after_db = held_back_psnr(held, small, damage, tuned.weights, scale, context);
  result.kept = result.after_db >= result.before_db + kLeastGain;
  if (result.kept) {
    result.weights = std::move(tuned.weights);
  } else {
    result.reason = "the held-back part of the photo became no better";
  }
  return result;
}

}  // namespace zsr::restore
