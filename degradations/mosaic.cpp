#include "degradations/mosaic.h"

#include "core/error.h"
#include "core/normal_field.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr {
namespace {

raw::MosaicPattern pattern_of(MosaicPhase phase) {
  switch (phase) {
    case MosaicPhase::kBggr:
      return raw::MosaicPattern::bayer("BGGR");
    case MosaicPhase::kGrbg:
      return raw::MosaicPattern::bayer("GRBG");
    case MosaicPhase::kGbrg:
      return raw::MosaicPattern::bayer("GBRG");
    case MosaicPhase::kXtrans:
      return raw::MosaicPattern::xtrans();
    case MosaicPhase::kRggb:
      break;
  }
  return raw::MosaicPattern::bayer("RGGB");
}

void check(const MosaicStep& step) {
  if (!(step.red_gain >= 1.0 && step.red_gain <= 16.0 && step.blue_gain >= 1.0 && step.blue_gain <= 16.0)) {
    throw OptionError(fmt::format("mosaic gains {:g} and {:g} must be 1 to 16", step.red_gain, step.blue_gain));
  }
  if (step.black < 0 || step.white > 65535 || step.white - step.black < 16) {
    throw OptionError(
        fmt::format("mosaic levels {} to {} must lie 16 or more apart within 0 to 65535", step.black, step.white));
  }
  if (!(step.shot >= 0.0 && step.shot <= 1.0 && step.read >= 0.0 && step.read <= 1.0)) {
    throw OptionError(fmt::format("mosaic shot = {:g}, read = {:g}, must be 0 to 1", step.shot, step.read));
  }
}

}  // namespace

torch::Tensor sensor_mosaic(const torch::Tensor& image, const MosaicStep& step) {
  check(step);
  const torch::Tensor encoded = image.clamp(0.0, 1.0).expand({1, 3, -1, -1});
  const torch::Tensor linear =
      torch::where(encoded.le(0.04045), encoded.div(12.92), encoded.add(0.055).div(1.055).pow(2.4)).contiguous();
  const raw::MosaicPattern pattern = pattern_of(step.phase);
  const int64_t height = linear.size(2);
  const int64_t width = linear.size(3);
  torch::Tensor mosaic = torch::empty({1, 1, height, width}, torch::kFloat32);
  std::vector<float> field(static_cast<size_t>(height * width));
  fill_normal(step.seed, field.data(), height * width);
  const std::array<float, 3> gains = {static_cast<float>(step.red_gain), 1.0F, static_cast<float>(step.blue_gain)};
  const raw::NoiseModel noise{step.shot, step.read};
  const auto range = static_cast<double>(step.white - step.black);
  const float* const in = linear.data_ptr<float>();
  float* const out = mosaic.data_ptr<float>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const int color = pattern.color(y, x);
      const int64_t at = y * width + x;
      const double value = in[color * height * width + at] / gains[static_cast<size_t>(color)];
      const double noisy = value + field[static_cast<size_t>(at)] * noise.sigma(value);
      const double level = std::round(noisy * range + static_cast<double>(step.black));
      const double cut = std::min(std::max(level, 0.0), static_cast<double>(step.white));
      out[at] = static_cast<float>((cut - static_cast<double>(step.black)) / range);
    }
  }
  return mosaic;
}

std::optional<MosaicStep> final_mosaic(const std::vector<Step>& steps) {
  if (steps.empty() || !std::holds_alternative<MosaicStep>(steps.back())) return std::nullopt;
  return std::get<MosaicStep>(steps.back());
}

std::string mosaic_dng(const torch::Tensor& mosaic, const MosaicStep& step) {
  raw::Plane values(mosaic.size(2), mosaic.size(3));
  const torch::Tensor plane = mosaic.to(torch::kFloat32).contiguous();
  std::copy_n(plane.data_ptr<float>(), values.values.size(), values.values.begin());
  raw::DngOptions options;
  options.pattern = pattern_of(step.phase);
  options.black = static_cast<int>(step.black);
  options.white = static_cast<int>(step.white);
  options.white_balance = {step.red_gain, 1.0, step.blue_gain};
  if (step.shot > 0.0 || step.read > 0.0) options.noise = raw::NoiseModel{step.shot, step.read};
  return raw::dng_bytes(values, options);
}

}  // namespace zsr
