#include "restore/tone.h"

#include "core/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/nn/functional/pooling.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr::restore {
namespace {

// Chosen by eye on eight old photos (restore/README.md).
constexpr int64_t kSmallSide = 256;   // pixels of the photo in which the points are read
constexpr double kFaded = 0.08;       // black point from which on a print has faded
constexpr double kFadedBlack = 0.04;  // what its points are moved to
constexpr double kFadedWhite = 0.92;
constexpr double kSamePoint = 0.08;          // channels whose white points differ by less have no cast
constexpr double kOrder = 0.02;              // tolerance of R >= G >= B
constexpr double kSameMiddle = 0.02;         // likewise of the middle tones
constexpr double kNearlyGray = 0.15;         // largest less smallest channel
constexpr double kMinNearlyGray = 0.05;      // of the pixels, to say anything about the middle tones
constexpr double kMinRange = 0.05;           // between the points; a flat picture has no tones to correct
constexpr double kTint = 3.0 / 255.0;        // mean distance of the channels from which on a monochrome is tinted
constexpr double kMonochrome = 5.0 / 255.0;  // deviation of the channels from what the brightness says

using Points = std::array<double, 3>;

// [C, n]: the photo made small by means over areas.
torch::Tensor small_samples(const torch::Tensor& photo) {
  namespace F = torch::nn::functional;
  const int64_t height = std::min(photo.size(2), kSmallSide);
  const int64_t width = std::min(photo.size(3), kSmallSide);
  const auto size = F::AdaptiveAvgPool2dFuncOptions({height, width});
  return F::adaptive_avg_pool2d(photo.to(torch::kFloat32), size)[0].flatten(1).contiguous();
}

// The value below which `part` of the samples lie.
double percentile(const torch::Tensor& samples, double part) {
  const int64_t count = samples.numel();
  const auto rank = std::clamp<int64_t>(std::llround(part * static_cast<double>(count - 1)), 0, count - 1);
  return std::get<0>(samples.flatten().kthvalue(rank + 1)).item<double>();
}

torch::Tensor luma(const torch::Tensor& image, int64_t dim) {
  const torch::Tensor weights = torch::tensor({0.299F, 0.587F, 0.114F});
  std::vector<int64_t> shape(static_cast<size_t>(image.dim()), 1);
  shape[static_cast<size_t>(dim)] = 3;
  return (image * weights.view(shape)).sum(dim, true);
}

// Whether the colour differences follow from the brightness: pixels of like brightness have like colours.
bool is_tinted_monochrome(const torch::Tensor& samples) {
  constexpr int64_t kBins = 24;
  const torch::Tensor differences = torch::stack({samples[0] - samples[1], samples[2] - samples[1]});
  if (differences.abs().mean().item<double>() < kTint) return false;
  const torch::Tensor bin = (samples.mean(0) * kBins).floor().clamp(0, kBins - 1).to(torch::kInt64);
  const torch::Tensor count = torch::zeros({kBins}).index_add(0, bin, torch::ones({bin.size(0)})).clamp_min(1.0);
  const torch::Tensor means = torch::zeros({2, kBins}).index_add(1, bin, differences) / count;
  const torch::Tensor rest = differences - means.index_select(1, bin);
  return rest.square().mean().sqrt().item<double>() < kMonochrome;
}

struct Curves {
  Points gain{1.0, 1.0, 1.0};
  Points offset{0.0, 0.0, 0.0};
  Points gamma{1.0, 1.0, 1.0};

  // The curves at a part of their effect.
  Curves at(double strength) const {
    Curves weaker;
    for (size_t c = 0; c < 3; ++c) {
      weaker.gain[c] = 1.0 + strength * (gain[c] - 1.0);
      weaker.offset[c] = strength * offset[c];
      weaker.gamma[c] = std::pow(gamma[c], strength);
    }
    return weaker;
  }
};

// `image` [.., C, ..] with the channels in dimension `dim`, before clipping and the exponent.
torch::Tensor stretched(const torch::Tensor& image, int64_t dim, const Curves& curves) {
  std::vector<torch::Tensor> channels;
  for (int64_t c = 0; c < image.size(dim); ++c) {
    const auto i = static_cast<size_t>(c);
    channels.push_back(image.select(dim, c) * curves.gain[i] + curves.offset[i]);
  }
  return torch::stack(channels, dim);
}

// From the black and white points of [C, n] samples. False where the print is neither faded nor yellowed.
bool set_levels(const torch::Tensor& samples, const ToneOptions& options, Curves& curves) {
  const auto channels = static_cast<size_t>(samples.size(0));
  std::vector<double> black;
  std::vector<double> white;
  for (size_t c = 0; c < channels; ++c) {
    black.push_back(percentile(samples[static_cast<int64_t>(c)], options.tail));
    white.push_back(percentile(samples[static_cast<int64_t>(c)], 1.0 - options.tail));
  }
  const auto least_black = std::min_element(black.begin(), black.end());
  const auto most_white = std::max_element(white.begin(), white.end());
  const bool faded = *least_black > kFaded;
  // Paper and dyes turn yellow and red: the white of such a print is warm. Other unlike points are those of the scene.
  const bool warm = channels == 3 && white[0] - white[2] > kSamePoint && white[0] >= white[1] - kOrder &&
                    white[1] >= white[2] - kOrder;
  if (!faded && !warm) return false;
  const double target_black = faded ? kFadedBlack : *least_black;
  const double target_white = faded ? std::max(kFadedWhite, *most_white) : *most_white;
  for (size_t c = 0; c < 3; ++c) {
    const double from = black[std::min(c, channels - 1)];
    const double to = white[std::min(c, channels - 1)];
    if (to - from < kMinRange) continue;
    curves.gain[c] = std::clamp((target_white - target_black) / (to - from), 1.0, options.max_gain);
    curves.offset[c] = target_black - curves.gain[c] * from;
  }
  return true;
}

// From the nearly gray middle tones, after the levels.
void set_middle(const torch::Tensor& samples, const ToneOptions& options, Curves& curves) {
  const torch::Tensor level = stretched(samples, 0, curves).clamp(0.0, 1.0);
  const torch::Tensor brightness = level.mean(0);
  const torch::Tensor nearly_gray =
      (level.amax(0) - level.amin(0) < kNearlyGray) & (brightness > 0.2) & (brightness < 0.8);
  const auto count = nearly_gray.sum().item<int64_t>();
  if (static_cast<double>(count) < kMinNearlyGray * static_cast<double>(samples.size(1)) || count == 0) return;
  Points middle;
  for (size_t c = 0; c < 3; ++c) {
    middle[c] = percentile(level[static_cast<int64_t>(c)].masked_select(nearly_gray), 0.5);
  }
  const double gray = (middle[0] + middle[1] + middle[2]) / 3.0;
  for (size_t c = 0; c < 3; ++c) {
    if (std::abs(middle[c] - gray) < kSameMiddle) continue;
    curves.gamma[c] = std::clamp(std::log(gray) / std::log(middle[c]), 1.0 / options.max_gamma, options.max_gamma);
  }
}

}  // namespace

void ToneOptions::validate() const {
  const auto check = [](double value, double least, double most, const char* name) {
    if (value >= least && value <= most) return;
    throw OptionError(fmt::format("{} = {:g}, must be {:g} to {:g}", name, value, least, most));
  };
  check(tail, 0.0, 0.1, "tail");
  check(max_gain, 1.0, 4.0, "max_gain");
  check(max_gamma, 1.0, 2.0, "max_gamma");
  check(max_clipped, 0.0, 1.0, "max_clipped");
}

Tone correct_tone(const torch::Tensor& photo, const ToneOptions& options) {
  options.validate();
  if (photo.dim() != 4 || photo.size(0) != 1 || (photo.size(1) != 1 && photo.size(1) != 3)) {
    throw OptionError("the tone is corrected of photos [1, 1 or 3, h, w]");
  }
  const torch::NoGradGuard no_grad;
  Tone tone{photo};
  torch::Tensor samples = small_samples(photo);
  torch::Tensor source = photo;
  if (photo.size(1) == 3 && is_tinted_monochrome(samples)) {
    tone.monochrome = true;
    source = luma(photo, 1).expand_as(photo);
    tone.image = source.contiguous();
    samples = luma(samples, 0);
  }
  Curves whole;
  if (!set_levels(samples, options, whole)) return tone;
  if (samples.size(0) == 3) set_middle(samples, options, whole);
  for (const double strength : {1.0, 0.75, 0.5, 0.25}) {
    const Curves curves = whole.at(strength);
    const torch::Tensor level = stretched(source, 1, curves);
    const double clipped = (level.lt(0.0) | level.gt(1.0)).to(torch::kFloat32).mean().item<double>();
    if (clipped > options.max_clipped) continue;
    std::vector<torch::Tensor> channels;
    for (int64_t c = 0; c < level.size(1); ++c) {
      channels.push_back(level.select(1, c).clamp(0.0, 1.0).pow(curves.gamma[static_cast<size_t>(c)]));
    }
    tone.image = torch::stack(channels, 1);
    tone.strength = strength;
    tone.gain = curves.gain;
    tone.offset = curves.offset;
    tone.gamma = curves.gamma;
    tone.clipped = clipped;
    return tone;
  }
  return tone;
}

nlohmann::json to_json(const Tone& tone) {
  return {{"monochrome", tone.monochrome}, {"strength", tone.strength}, {"gain", tone.gain},
          {"offset", tone.offset},         {"gamma", tone.gamma},       {"clipped", tone.clipped}};
}

}  // namespace zsr::restore
