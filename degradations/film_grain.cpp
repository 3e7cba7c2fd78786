#include "core/any_vector.h"
#include "core/error.h"
#include "core/normal_field.h"
#include "core/random.h"
#include "degradations/noise.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

void check(const char* name, double value, double high) {
  if (!(value >= 0.0 && value <= high)) {
    throw OptionError(fmt::format("film grain {} = {:g}, must be 0 to {:g}", name, value, high));
  }
}

// Gaussian taps whose squares sum to 1: white noise keeps its variance. One tap for a Gaussian narrower than a pixel
// can show.
std::vector<float> unit_energy_gaussian(double sigma_px) {
  if (sigma_px < 0.05) return {1.0F};
  const auto radius = static_cast<int64_t>(std::ceil(3.0 * sigma_px));
  std::vector<double> taps;
  double energy = 0.0;
  for (int64_t i = -radius; i <= radius; ++i) {
    const double x = static_cast<double>(i) / sigma_px;
    taps.push_back(std::exp(-0.5 * x * x));
    energy += taps.back() * taps.back();
  }
  std::vector<float> result;
  for (const double tap : taps) result.push_back(static_cast<float>(tap / std::sqrt(energy)));
  return result;
}

// out[i] += weight * in[i]; compiled for every width of vectors.
ZSR_ANY_VECTOR
void add_scaled(float* out, const float* in, float weight, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] += weight * in[i];
}

// `white` has height + taps - 1 rows of width + taps - 1 values; writes height * width values to `out`.
void smooth(const float* white, const std::vector<float>& taps, int64_t height, int64_t width, float* out) {
  const int64_t stride = width + static_cast<int64_t>(taps.size()) - 1;
  std::vector<float> column(static_cast<size_t>(stride));
  for (int64_t y = 0; y < height; ++y, out += width) {
    std::fill(column.begin(), column.end(), 0.0F);
    std::fill_n(out, width, 0.0F);
    for (size_t i = 0; i < taps.size(); ++i) {
      add_scaled(column.data(), white + (y + static_cast<int64_t>(i)) * stride, taps[i], stride);
    }
    for (size_t i = 0; i < taps.size(); ++i) add_scaled(out, column.data() + i, taps[i], width);
  }
}

// Strength of the grain of every pixel of a [C, H, W] image.
std::vector<float> strengths(const float* image, int64_t channels, int64_t plane, const FilmGrain& grain) {
  const auto level = static_cast<float>(grain.level / 255.0);
  const auto midtone = static_cast<float>(grain.midtone);
  std::vector<float> result(static_cast<size_t>(plane));
  for (int64_t i = 0; i < plane; ++i) {
    const float y =
        channels == 3 ? 0.299F * image[i] + 0.587F * image[plane + i] + 0.114F * image[2 * plane + i] : image[i];
    const float from_middle = 2.0F * std::clamp(y, 0.0F, 1.0F) - 1.0F;
    result[static_cast<size_t>(i)] = level * (1.0F - midtone * from_middle * from_middle);
  }
  return result;
}

}  // namespace

torch::Tensor add_film_grain(const torch::Tensor& image, const FilmGrain& grain, uint64_t seed) {
  check("level", grain.level, 1000.0);
  check("size_px", grain.size_px, kLargestGrain);
  check("chroma", grain.chroma, 1.0);
  check("midtone", grain.midtone, 1.0);
  const torch::Tensor input = image.contiguous();
  const int64_t channels = input.size(1);
  const int64_t height = input.size(2);
  const int64_t width = input.size(3);
  const int64_t plane = height * width;
  const double chroma = channels == 3 ? grain.chroma : 0.0;

  // Plane 0 is common to all channels, the others belong to one channel each.
  const std::vector<float> taps = unit_energy_gaussian(grain.size_px);
  const int64_t margin = static_cast<int64_t>(taps.size()) - 1;
  std::vector<float> white(static_cast<size_t>((height + margin) * (width + margin)));
  const auto make_plane = [&](const char* stream) {
    std::vector<float> result(static_cast<size_t>(plane));
    fill_normal(derive_seed(seed, stream), white.data(), static_cast<int64_t>(white.size()));
    smooth(white.data(), taps, height, width, result.data());
    return result;
  };
  std::vector<float> common(static_cast<size_t>(plane));
  if (chroma < 1.0) common = make_plane("grain");
  constexpr const char* kStreams[] = {"grain red", "grain green", "grain blue"};

  torch::Tensor result = torch::empty_like(input);
  const float* const in = input.data_ptr<float>();
  float* const out = result.data_ptr<float>();
  const std::vector<float> strength = strengths(in, channels, plane, grain);
  for (int64_t c = 0; c < channels; ++c) {
    std::vector<float> noise = common;
    if (chroma > 0.0) {
      const std::vector<float> own = make_plane(kStreams[c]);
      for (float& value : noise) value *= static_cast<float>(std::sqrt(1.0 - chroma));
      add_scaled(noise.data(), own.data(), static_cast<float>(std::sqrt(chroma)), plane);
    }
    for (int64_t i = 0; i < plane; ++i) {
      out[c * plane + i] = std::clamp(in[c * plane + i] + strength[i] * noise[i], 0.0F, 1.0F);
    }
  }
  return result;
}

}  // namespace zsr
