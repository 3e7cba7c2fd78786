#include "degradations/estimation/blur/blur_training.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/compression.h"
#include "degradations/estimation/blur/spectrum.h"
#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "degradations/noise.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <numbers>

namespace zsr::blur {
namespace {

constexpr int64_t kPatch = BlurPredictor::kPatch;
constexpr int64_t kKernel = 13;
// What a sample needs of a photo: twice the patch, the kernel's reach and room for the patch to move.
constexpr int64_t kNeeded = 2 * kPatch + kKernel + 3;

KernelSpec draw_kernel(Random& random) {
  constexpr double kLeast = 0.15;
  constexpr double kMost = 7.0;
  KernelSpec spec;
  spec.size = kKernel;
  const double first = random.uniform(kLeast, kMost);
  const double second = random.uniform() < 0.15 ? first : random.uniform(kLeast, kMost);
  spec.sigma_1 = std::sqrt(first);
  spec.sigma_2 = std::sqrt(second);
  spec.angle = random.uniform(0.0, std::numbers::pi);
  const double which = random.uniform();
  if (which < 0.5) {
    spec.family = KernelFamily::kGaussian;
  } else if (which < 0.9) {
    spec.family = KernelFamily::kDiv2krk;
    spec.seed = random.bits();
  } else if (which < 0.95) {
    spec.family = KernelFamily::kGeneralized;
    spec.beta = random.uniform(0.6, 3.0);
  } else {
    spec.family = KernelFamily::kBicubic;
  }
  return spec;
}

// Second moments of the kernel in LR pixels. Those of the bicubic kernel vanish by construction; it counts as the
// Gaussian that lets as much pass at the top of the LR spectrum.
Covariance moments(const KernelSpec& spec, const BlurKernel& kernel) {
  constexpr double kBicubic = 0.1;
  if (spec.family == KernelFamily::kBicubic) return {kBicubic, kBicubic, 0.0};
  const auto weights = kernel.weights().accessor<double, 2>();
  const std::array<double, 2> center = kernel.center_of_mass();
  Covariance sum;
  for (int64_t y = 0; y < kernel.height(); ++y) {
    for (int64_t x = 0; x < kernel.width(); ++x) {
      const double dy = static_cast<double>(y) - center[0];
      const double dx = static_cast<double>(x) - center[1];
      sum.xx += weights[y][x] * dx * dx;
      sum.yy += weights[y][x] * dy * dy;
      sum.xy += weights[y][x] * dx * dy;
    }
  }
  return {sum.xx / 4.0, sum.yy / 4.0, sum.xy / 4.0};
}

// How one sample is spoiled.
struct Degradation {
  KernelSpec spec;
  BlurKernel kernel;
  double softness = 0.0;     // variance of the sharp photo's own blur, HR pixels squared
  double noise = 0.0;        // 0 = none
  int64_t jpeg_quality = 0;  // 0 = none
};

Degradation draw_degradation(Random& random) {
  const KernelSpec spec = draw_kernel(random);
  Degradation drawn{spec, make_kernel(spec)};
  // Photos are not equally sharp at their own size: lens, focus, the camera's own filters. That blur is not the
  // kernel's, and the training photos, which are small, have less of it than those of cameras.
  if (random.uniform() < 0.65) drawn.softness = random.uniform(0.1, 1.3);
  const double spoiled = random.uniform();
  if (spoiled > 0.55 && spoiled < 0.8) drawn.noise = random.uniform(0.5, 12.0);
  if (spoiled > 0.7) drawn.jpeg_quality = 40 + random.index(60);
  return drawn;
}

// One patch of `luma` under the degradation; `view` 0 to 7 says how it is turned. Undefined where it holds nothing.
torch::Tensor draw_patch(const torch::Tensor& luma, const Degradation& degradation, int64_t view, Random& random) {
  constexpr double kFlat = 0.02;
  const int64_t top = random.index(luma.size(0) - kNeeded + 1);
  const int64_t left = random.index(luma.size(1) - kNeeded + 1);
  torch::Tensor sharp = luma.slice(0, top, top + kNeeded).slice(1, left, left + kNeeded).unsqueeze(0).unsqueeze(0);
  if ((view & 1) != 0) sharp = sharp.flip(2);
  if ((view & 2) != 0) sharp = sharp.flip(3);
  if ((view & 4) != 0) sharp = sharp.transpose(2, 3);
  if (degradation.softness > 0.0) {
    const double sigma = std::sqrt(degradation.softness);
    sharp = correlate(sharp.contiguous(), gaussian_kernel(7, sigma, sigma).weights());
  }
  const int64_t offset_y = random.index(2);
  const int64_t offset_x = random.index(2);
  torch::Tensor small =
      correlate(sharp.contiguous(), degradation.kernel.weights(), {2, 2, offset_y, offset_x}).clamp_(0.0, 1.0);
  if (degradation.noise > 0.0) small = add_gaussian_noise(small, degradation.noise, NoiseColor::kGray, random.bits());
  if (degradation.jpeg_quality > 0) {
    small = jpeg_round_trip(small, degradation.jpeg_quality);
  } else {
    small = (255.0 * small).round_().div_(255.0);
  }
  const int64_t y = random.index(small.size(2) - kPatch + 1);
  const int64_t x = random.index(small.size(3) - kPatch + 1);
  small = small.slice(2, y, y + kPatch).slice(3, x, x + kPatch)[0].contiguous();
  return small.std().item<double>() < kFlat ? torch::Tensor() : normalized_patch(small);
}

struct Batch {
  torch::Tensor patches;     // [groups * group, 1, 96, 96]
  torch::Tensor logarithms;  // [groups, 3]
};

Batch draw_batch(const std::vector<torch::Tensor>& lumas, int64_t groups, int64_t group, uint64_t seed) {
  Random random(seed);
  std::vector<torch::Tensor> patches;
  Batch batch;
  batch.logarithms = torch::empty({groups, 3});
  for (int64_t i = 0; i < groups; ++i) {
    const BlurSample sample = draw_blur_sample(lumas, group, random);
    patches.insert(patches.end(), sample.patches.begin(), sample.patches.end());
    for (size_t j = 0; j < 3; ++j) {
      batch.logarithms.data_ptr<float>()[3 * i + static_cast<int64_t>(j)] = static_cast<float>(sample.logarithm[j]);
    }
  }
  batch.patches = torch::stack(patches);
  return batch;
}

// One of the two halves of the training.
struct Phase {
  int64_t steps;
  int64_t group;
  double learning_rate;
};

}  // namespace

void BlurTrainingOptions::validate() const {
  if (steps < 1) throw OptionError(fmt::format("steps = {}, must be > 0", steps));
  if (group < 1) throw OptionError(fmt::format("group = {}, must be > 0", group));
  if (patches < group || patches % group != 0) {
    throw OptionError(fmt::format("patches = {}, must be a multiple of {}", patches, group));
  }
  if (!(learning_rate > 0.0)) throw OptionError(fmt::format("learning_rate = {:g}, must be > 0", learning_rate));
}

std::vector<torch::Tensor> training_lumas(const std::vector<torch::Tensor>& photos) {
  std::vector<torch::Tensor> lumas;
  for (const torch::Tensor& photo : photos) {
    if (std::min(photo.size(2), photo.size(3)) < kNeeded) continue;
    lumas.push_back(photo_luma(photo));
  }
  return lumas;
}

BlurSample draw_blur_sample(const std::vector<torch::Tensor>& lumas, int64_t count, Random& random) {
  const torch::NoGradGuard no_grad;
  const Degradation degradation = draw_degradation(random);
  BlurSample sample{{}, log_of(moments(degradation.spec, degradation.kernel))};
  const auto any = [&] { return random.index(static_cast<int64_t>(lumas.size())); };
  bool one_photo = random.uniform() < 0.6;
  int64_t photo = any();
  int64_t view = random.index(8);
  constexpr int kPatience = 20;  // then the photo is given up as flat
  for (int tries = 1; static_cast<int64_t>(sample.patches.size()) < count; ++tries) {
    one_photo = one_photo && tries <= kPatience;
    if (!one_photo) {
      photo = any();
      view = random.index(8);
    }
    const torch::Tensor patch = draw_patch(lumas[static_cast<size_t>(photo)], degradation, view, random);
    if (patch.defined()) sample.patches.push_back(patch);
  }
  return sample;
}

BlurPredictor train_blur_predictor(const std::vector<torch::Tensor>& photos, const BlurTrainingOptions& options,
                                   const RunContext& context) {
  options.validate();
  const std::vector<torch::Tensor> lumas = training_lumas(photos);
  if (lumas.empty()) throw InputError(fmt::format("no photo is at least {} pixels on both sides", kNeeded));
  Random init(derive_seed(context.seed, "blur-predictor.init"));
  BlurPredictor predictor(init);
  for (torch::Tensor parameter : predictor.parameters()) parameter.requires_grad_(true);
  torch::optim::Adam adam(predictor.parameters(), torch::optim::AdamOptions(options.learning_rate));

  uint64_t stream = derive_seed(context.seed, "blur-predictor.samples");
  Session session(context);
  int64_t done = 0;
  double smooth = 0.0;
  const int64_t first = options.steps * 2 / 3;
  for (const Phase& phase : {Phase{first, 1, options.learning_rate},
                             Phase{options.steps - first, options.group, 0.5 * options.learning_rate}}) {
    // The next batch is drawn while this one is learned from.
    const auto draw = [&] {
      return std::async(std::launch::async, draw_batch, std::cref(lumas), options.patches / phase.group, phase.group,
                        splitmix64(stream));
    };
    std::future<Batch> next = draw();
    for (int64_t step = 0; step < phase.steps; ++step) {
      const Batch batch = next.get();
      next = draw();
      constexpr double kWarmUp = 100.0;
      const double part = static_cast<double>(step) / static_cast<double>(phase.steps);
      const double rate = phase.learning_rate * std::min(static_cast<double>(step + 1) / kWarmUp,
                                                         0.5 * (1.0 + std::cos(std::numbers::pi * part)));
      for (auto& one : adam.param_groups()) static_cast<torch::optim::AdamOptions&>(one.options()).lr(rate);
      const torch::Tensor features = predictor.features(batch.patches);
      const torch::Tensor predicted = predictor.head(features.view({-1, phase.group, features.size(1)}).mean(1));
      const torch::Tensor log_error = predicted.select(1, 3);
      const torch::Tensor away = ((predicted.slice(1, 0, 3) - batch.logarithms).square().sum(1) + 1e-4).sqrt();
      // Laplace's likelihood in the plane of relative errors.
      const torch::Tensor loss = (away * torch::exp(-log_error) + 2.0 * log_error).mean();
      adam.zero_grad();
      loss.backward();
      torch::nn::utils::clip_grad_norm_(predictor.parameters(), 1.0);
      adam.step();
      const double error = away.mean().item<double>();
      smooth = done == 0 ? error : 0.99 * smooth + 0.01 * error;
      ++done;
      session.report("train", done, options.steps, smooth);
      if (session.stopped()) {
        for (torch::Tensor parameter : predictor.parameters()) parameter.requires_grad_(false);
        return predictor;
      }
    }
  }
  for (torch::Tensor parameter : predictor.parameters()) parameter.requires_grad_(false);
  return predictor;
}

}  // namespace zsr::blur
