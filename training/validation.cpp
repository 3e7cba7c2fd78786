#include "training/validation.h"

#include "degradations/kernel_families.h"
#include "image/metrics.h"
#include "image/photo.h"
#include "image/resize.h"
#include "training/mosaic_patch.h"
#include "training/patches.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

// PSNR of two luma images.
double luma_psnr(const torch::Tensor& made, const torch::Tensor& hr, int64_t shave) {
  const auto inside = [&](const torch::Tensor& image) {
    return image.slice(2, shave, image.size(2) - shave).slice(3, shave, image.size(3) - shave);
  };
  return -10.0 * std::log10((inside(made) - inside(hr)).square().mean().item<double>());
}

}  // namespace

Validation::Validation(const std::vector<torch::Tensor>& photos, const Network& network) {
  const int64_t s = network.scales().back();
  const auto factor = static_cast<double>(s);
  const Condition condition = network.condition();
  const Phase middle = centered_phase({factor, factor});
  constexpr double kPoint = 0.2;
  const bool srmd = condition == Condition::kSrmd;
  if (condition == Condition::kDamage) return;  // see add_damaged
  if (network.pixel_by_pixel()) {
    add_middles(photos, s);
    return;
  }
  if (condition == Condition::kMosaic) {
    add_mosaics(photos, s);
    return;
  }
  for (const bool blurred : {false, true}) {
    if (blurred && condition == Condition::kNone) break;
    const BlurKernel unblurred =
        srmd ? gaussian_kernel(15, kPoint, kPoint) : make_kernel({.family = KernelFamily::kBicubic, .scale = factor});
    const BlurKernel kernel = blurred ? gaussian_kernel(15, 0.5 * factor, 0.5 * factor) : unblurred;
    for (const torch::Tensor& photo : photos) {
      const torch::Tensor hr =
          photo.slice(1, 0, photo.size(1) / s * s).slice(2, 0, photo.size(2) / s * s).to(torch::kFloat32).unsqueeze(0) /
          255.0;
      const torch::Tensor lr = blurred ? quantize(made_smaller(hr, condition, kernel, s, middle))
                                       : imresize_uint8(hr, {1.0 / factor, 1.0 / factor});
      if (condition == Condition::kKernel) {
        const torch::Tensor weights = kernel.weights().to(torch::kFloat32).unsqueeze(0).unsqueeze(0);
        const torch::Tensor small = quantize(blurred_periodically(hr, weights, s));
        const torch::Tensor noiseless = torch::zeros({1, 1, small.size(2), small.size(3)});
        cases_.push_back({torch::cat({small, noiseless}, 1), {}, hr, blurred, s, weights});
        continue;
      }
      const std::vector<float> values = condition_of(condition, kernel, 0.0, s, middle);
      const torch::Tensor maps = torch::tensor(values).view({1, -1, 1, 1}).expand({1, -1, lr.size(2), lr.size(3)});
      cases_.push_back({values.empty() ? lr : torch::cat({lr, maps}, 1),
                        network.gives_residual() ? imresize(lr, {factor, factor}) : torch::Tensor(), hr, blurred, s});
    }
  }
}

void Validation::add_middles(const std::vector<torch::Tensor>& photos, int64_t scale) {
  constexpr int64_t kSide = 8;  // LR pixels, as the network is published
  const auto factor = static_cast<double>(scale);
  for (const torch::Tensor& photo : photos) {
    const int64_t height = std::min(kSide, photo.size(1) / scale) * scale;
    const int64_t width = std::min(kSide, photo.size(2) / scale) * scale;
    const torch::Tensor hr = photo.narrow(1, (photo.size(1) - height) / 2, height)
                                 .narrow(2, (photo.size(2) - width) / 2, width)
                                 .to(torch::kFloat32)
                                 .unsqueeze(0) /
                             255.0;
    cases_.push_back({imresize_uint8(hr, {1.0 / factor, 1.0 / factor}), {}, hr, false, scale});
  }
}

void Validation::add_mosaics(const std::vector<torch::Tensor>& photos, int64_t scale) {
  for (size_t i = 0; i < photos.size(); ++i) {
    constexpr int64_t kSide = 256;  // as of damaged photos
    const auto even = [&](int64_t length) { return std::min(int64_t{kSide}, length) / (2 * scale) * 2 * scale; };
    const torch::Tensor hr =
        (photos[i].slice(1, 0, even(photos[i].size(1))).slice(2, 0, even(photos[i].size(2))).to(torch::kFloat32) /
         255.0);
    for (const bool noisy : {false, true}) {
      constexpr double kNoise = 10.0;
      Random random(derive_seed(i, "validation mosaic"));
      const torch::Tensor seen = mosaic_example(small_version(hr, scale), noisy ? kNoise : 0.0, random);
      cases_.push_back({seen.unsqueeze(0), torch::Tensor(), hr.unsqueeze(0), noisy, scale});
    }
  }
}

void Validation::add_damaged(const std::vector<torch::Tensor>& photos,
                             const std::map<int64_t, std::shared_ptr<const Recipe>>& recipes) {
  for (const auto& [scale, recipe] : recipes) {
    for (size_t i = 0; i < photos.size(); ++i) {
      constexpr int64_t kSide = 256;  // enough to judge by, at little cost
      const torch::Tensor& photo = photos[i];
      const int64_t height = std::min(kSide, photo.size(1) / scale * scale) / scale * scale;
      const int64_t width = std::min(kSide, photo.size(2) / scale * scale) / scale * scale;
      const torch::Tensor hr = photo.narrow(1, (photo.size(1) - height) / 2, height)
                                   .narrow(2, (photo.size(2) - width) / 2, width)
                                   .to(torch::kFloat32)
                                   .unsqueeze(0) /
                               255.0;
      Random random(derive_seed(i, fmt::format("validation x{}", scale)));
      const std::vector<Step> steps = recipe->draw({height, width}, random);
      const torch::Tensor lr = quantize(apply_steps(steps, hr));
      for (const bool known : {false, true}) {
        const std::vector<float> values = networks::damage_maps(known ? damage_of(steps, hr) : networks::Damage{});
        const torch::Tensor maps = torch::tensor(values).view({1, -1, 1, 1}).expand({1, -1, lr.size(2), lr.size(3)});
        cases_.push_back({torch::cat({lr, maps}, 1), torch::Tensor(), hr, known, scale});
      }
    }
  }
}

Validation::Score Validation::score(const Network& network, const torch::Tensor& parameters) const {
  const torch::NoGradGuard no_grad;
  Score score;
  const auto half = static_cast<double>(std::max<int64_t>(
      1, std::count_if(cases_.begin(), cases_.end(), [](const Case& item) { return !item.blurred; })));
  for (const Case& item : cases_) {
    if (network.pixel_by_pixel()) {
      score.log_likelihood -= network.level_entropy(item.input, item.hr, parameters, false).both.item<double>() / half;
      continue;
    }
    torch::Tensor made = network.forward(item.input, parameters, item.scale, false, item.kernels);
    if (item.base.defined()) made = made + item.base.to(made.device());
    made = quantize(made.to(torch::kCPU));
    const int64_t shave = item.scale > 0 ? item.scale : network.scales()[0];
    const double psnr = made.size(1) == 1 ? luma_psnr(made, network.target(item.hr).to(torch::kCPU), shave)
                                          : compare_images(made, item.hr, {.shave = shave}).psnr_y;
    (item.blurred ? score.psnr_blur : score.psnr) += psnr / half;
  }
  return score;
}

}  // namespace zsr::training
