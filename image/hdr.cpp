#include "image/hdr.h"

#include <torch/types.h>

#include <vector>

namespace zsr {
namespace {

// ST 2084, equation 4.1: numerators and denominators as there.
constexpr double kM1 = 2610.0 / 16384.0;
constexpr double kM2 = 2523.0 / 4096.0 * 128.0;
constexpr double kC1 = 3424.0 / 4096.0;
constexpr double kC2 = 2413.0 / 4096.0 * 32.0;
constexpr double kC3 = 2392.0 / 4096.0 * 32.0;

// Shares of red and blue in luma, and ranges of the codes.
struct Luma {
  double red, blue;
  double green() const { return 1.0 - red - blue; }
  double cb_range() const { return 2.0 * (1.0 - blue); }
  double cr_range() const { return 2.0 * (1.0 - red); }
};
constexpr Luma kBt709{0.2126, 0.0722};
constexpr Luma kBt2020{0.2627, 0.0593};

std::vector<torch::Tensor> bands_of(const torch::Tensor& image) {
  return image.to(torch::kFloat64).split(1, 1);
}

torch::Tensor ycbcr_of(const torch::Tensor& rgb, const Luma& luma) {
  const auto c = bands_of(rgb);
  const torch::Tensor y = c[0] * luma.red + c[1] * luma.green() + c[2] * luma.blue;
  return torch::cat({y, (c[2] - y) / luma.cb_range(), (c[0] - y) / luma.cr_range()}, 1);
}

}  // namespace

torch::Tensor light_of_pq(const torch::Tensor& encoded) {
  const torch::Tensor root = encoded.to(torch::kFloat64).clamp(0.0, 1.0).pow(1.0 / kM2);
  return ((root - kC1).clamp_min(0.0) / (root * -kC3 + kC2)).pow(1.0 / kM1) * kPqPeak;
}

torch::Tensor pq_of_light(const torch::Tensor& light) {
  const torch::Tensor power = (light.to(torch::kFloat64) / kPqPeak).clamp(0.0, 1.0).pow(kM1);
  return ((power * kC2 + kC1) / (power * kC3 + 1.0)).pow(kM2);
}

torch::Tensor studio_codes_of_rgb(const torch::Tensor& rgb) {
  const auto c = bands_of(ycbcr_of(rgb, kBt709));
  return (torch::cat({c[0] * 219.0 + 16.0, c[1] * 224.0 + 128.0, c[2] * 224.0 + 128.0}, 1) / 255.0).to(rgb.dtype());
}

torch::Tensor hdr_rgb_of_studio_codes(const torch::Tensor& codes) {
  const auto c = bands_of(codes * 1023.0);
  const torch::Tensor y = (c[0] - 64.0) / 876.0;
  const torch::Tensor blue = y + (c[1] - 512.0) / 896.0 * kBt2020.cb_range();
  const torch::Tensor red = y + (c[2] - 512.0) / 896.0 * kBt2020.cr_range();
  const torch::Tensor green = (y - red * kBt2020.red - blue * kBt2020.blue) / kBt2020.green();
  return torch::cat({red, green, blue}, 1).clamp(0.0, 1.0).to(codes.dtype());
}

torch::Tensor hdr_ycbcr(const torch::Tensor& rgb) {
  return ycbcr_of(rgb, kBt2020);
}

LightLevels light_levels(const torch::Tensor& rgb) {
  const auto c = light_of_pq(rgb).split(1, 1);
  const torch::Tensor y = c[0] * kBt2020.red + c[1] * kBt2020.green() + c[2] * kBt2020.blue;
  return {y.max().item<double>(), y.mean().item<double>()};
}

}  // namespace zsr
