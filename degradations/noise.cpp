#include "degradations/noise.h"

#include "core/error.h"
#include "core/normal_field.h"
#include "core/random.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <bitset>
#include <cmath>
#include <numeric>

namespace zsr {
namespace {

constexpr float kLumaWeights[3] = {0.299F, 0.587F, 0.114F};

torch::Tensor normal_planes(uint64_t seed, int64_t channels, const torch::Tensor& like) {
  torch::Tensor field = torch::empty({1, channels, like.size(2), like.size(3)}, torch::kFloat32);
  fill_normal(seed, field.data_ptr<float>(), field.numel());
  return field;
}

// Lower triangle L with L L' = covariance, semi-definite allowed.
std::array<double, 9> cholesky(const std::array<double, 9>& covariance) {
  std::array<double, 9> lower{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j <= i; ++j) {
      double rest = covariance[i * 3 + j];
      if (std::abs(rest - covariance[j * 3 + i]) > 1e-6 * std::max(1.0, std::abs(rest))) {
        throw OptionError("noise covariance must be symmetric");
      }
      for (int k = 0; k < j; ++k) rest -= lower[i * 3 + k] * lower[j * 3 + k];
      if (i == j) {
        if (!(rest > -1e-6)) throw OptionError("noise covariance must be positive semi-definite");
        lower[i * 3 + i] = std::sqrt(std::max(0.0, rest));
      } else {
        lower[i * 3 + j] = lower[j * 3 + j] > 1e-9 ? rest / lower[j * 3 + j] : 0.0;
      }
    }
  }
  return lower;
}

// Noise of standard deviation level / 255, [1, C or 1, H, W].
torch::Tensor noise_field(const torch::Tensor& image, double level, NoiseColor color, uint64_t seed,
                          const std::array<double, 9>& covariance) {
  if (!(level >= 0.0) || level > 1000.0) {
    throw OptionError(fmt::format("noise level = {:g}, must be 0 to 1000 (in 1/255)", level));
  }
  const int64_t channels = image.size(1);
  if (color == NoiseColor::kGray || channels == 1) {
    return normal_planes(seed, 1, image).mul_(static_cast<float>(level / 255.0));
  }
  torch::Tensor field = normal_planes(seed, channels, image);
  if (color == NoiseColor::kColor) return field.mul_(static_cast<float>(level / 255.0));
  const std::array<double, 9> lower = cholesky(covariance);
  const int64_t plane = image.size(2) * image.size(3);
  float* const r = field.data_ptr<float>();
  float* const g = r + plane;
  float* const b = g + plane;
  std::array<float, 9> l{};
  std::transform(lower.begin(), lower.end(), l.begin(), [](double v) { return static_cast<float>(v / 255.0); });
  for (int64_t i = 0; i < plane; ++i) {
    const float n0 = r[i];
    const float n1 = g[i];
    const float n2 = b[i];
    r[i] = l[0] * n0;
    g[i] = l[3] * n0 + l[4] * n1;
    b[i] = l[6] * n0 + l[7] * n1 + l[8] * n2;
  }
  return field;
}

// Poisson number of mean `mean`: Knuth's product for small means, Hoermann's transformed rejection (PTRS, 1993) else.
int64_t poisson(Random& random, double mean) {
  if (mean <= 0.0) return 0;
  if (mean < 10.0) {
    const double limit = std::exp(-mean);
    double product = random.uniform();
    int64_t count = 0;
    while (product > limit) {
      product *= random.uniform();
      ++count;
    }
    return count;
  }
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double accept = 0.9277 - 3.6224 / (b - 2.0);
  const double log_mean = std::log(mean);
  while (true) {
    const double u = random.uniform() - 0.5;
    const double v = random.uniform();
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2.0 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= accept) return static_cast<int64_t>(k);
    if (k < 0.0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= k * log_mean - mean - std::lgamma(k + 1.0)) {
      return static_cast<int64_t>(k);
    }
  }
}

torch::Tensor rounded(const torch::Tensor& image) {
  return image.clamp(0.0, 1.0).mul_(255.0).round_().div_(255.0);
}

torch::Tensor simple_luma(const torch::Tensor& image) {
  if (image.size(1) == 1) return image;
  return image.select(1, 0)
      .mul(kLumaWeights[0])
      .add_(image.select(1, 1), kLumaWeights[1])
      .add_(image.select(1, 2), kLumaWeights[2])
      .unsqueeze(1);
}

}  // namespace

torch::Tensor add_gaussian_noise(const torch::Tensor& image, double level, NoiseColor color, uint64_t seed,
                                 const std::array<double, 9>& covariance) {
  return image.add(noise_field(image, level, color, seed, covariance)).clamp_(0.0, 1.0);
}

torch::Tensor add_speckle(const torch::Tensor& image, double level, NoiseColor color, uint64_t seed,
                          const std::array<double, 9>& covariance) {
  return image.addcmul(image, noise_field(image, level, color, seed, covariance)).clamp_(0.0, 1.0);
}

double distinct_levels(const torch::Tensor& image, NoiseColor color) {
  const torch::Tensor levels =
      (color == NoiseColor::kGray ? simple_luma(image) : image).clamp(0.0, 1.0).mul(255.0).round_().contiguous();
  std::bitset<256> seen;
  const float* const value = levels.data_ptr<float>();
  for (int64_t i = 0; i < levels.numel(); ++i) seen.set(static_cast<size_t>(value[i]));
  return std::exp2(std::ceil(std::log2(static_cast<double>(seen.count()))));
}

torch::Tensor add_poisson_noise(const torch::Tensor& image, double photons, double strength, NoiseColor color,
                                uint64_t seed) {
  if (!(photons > 0.0) || !(strength >= 0.0) || photons > 1e9 || strength > 1e3) {
    throw OptionError(fmt::format("Poisson photons = {:g}, strength = {:g}, must be > 0 and >= 0", photons, strength));
  }
  const torch::Tensor exact = rounded(image);
  // Luma of rounded channels is rounded again, as both published codes do.
  const torch::Tensor signal =
      color == NoiseColor::kGray ? rounded(simple_luma(exact)).contiguous() : exact.contiguous();
  torch::Tensor noise = torch::empty_like(signal);
  const float* const mean = signal.data_ptr<float>();
  float* const out = noise.data_ptr<float>();
  Random random(derive_seed(seed, "poisson"));
  for (int64_t i = 0; i < signal.numel(); ++i) {
    const double photon_count = static_cast<double>(poisson(random, static_cast<double>(mean[i]) * photons));
    out[i] = static_cast<float>(strength * (photon_count / photons - static_cast<double>(mean[i])));
  }
  return exact.add(noise).clamp_(0.0, 1.0);
}

}  // namespace zsr
