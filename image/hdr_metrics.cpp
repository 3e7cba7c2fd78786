#include "image/hdr_metrics.h"

#include "core/error.h"
#include "image/hdr.h"
#include "image/metrics.h"
#include "image/photo_metadata.h"

#include <torch/types.h>

#include <array>
#include <cmath>

namespace zsr {
namespace {

torch::Tensor shaved(const torch::Tensor& image, int64_t pixels) {
  if (image.size(2) <= 2 * pixels || image.size(3) <= 2 * pixels) {
    throw InputError("the images are too small for what is cut from every side; lower --shave");
  }
  return image.slice(2, pixels, image.size(2) - pixels).slice(3, pixels, image.size(3) - pixels).to(torch::kFloat64);
}

void check_sizes(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) throw InputError("the images to compare are not of one size");
}

torch::Tensor srgb_curve(const torch::Tensor& light) {
  const torch::Tensor known = light.clamp(0.0, 1.0);
  return torch::where(known <= 0.0031308, known * 12.92, known.pow(1.0 / 2.4) * 1.055 - 0.055);
}

torch::Tensor srgb_light(const torch::Tensor& values) {
  const torch::Tensor known = values.to(torch::kFloat64).clamp(0.0, 1.0);
  return torch::where(known <= 0.04045, known / 12.92, ((known + 0.055) / 1.055).pow(2.4));
}

}  // namespace

torch::Tensor pu21_of_light(const torch::Tensor& light) {
  constexpr std::array<double, 7> p{0.353487901,   0.3734658629, 8.277049286e-05, 0.9062562627,
                                    0.09150303166, 0.9099517204, 596.3148142};
  const torch::Tensor power = light.to(torch::kFloat64).clamp(0.005, 10000.0).pow(p[3]);
  return (((power * p[1] + p[0]) / (power * p[2] + 1.0)).pow(p[4]) - p[5]) * p[6];
}

HdrMetrics compare_light(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave) {
  check_sizes(result, reference);
  const torch::Tensor a = shaved(result, shave);
  const torch::Tensor b = shaved(reference, shave);
  constexpr double kPuPeak = 256.0;
  return {psnr(pq_of_light(a), pq_of_light(b)), psnr(pu21_of_light(a) / kPuPeak, pu21_of_light(b) / kPuPeak)};
}

torch::Tensor light_of_photo(const Photo& photo, const Chromaticities& primaries) {
  HdrCoding wanted{HdrTransfer::kLinear, primaries};
  wanted.white = 1.0;
  if (photo.range == DynamicRange::kHdr) return recoded(photo.color, photo.hdr, wanted);
  const torch::Tensor rgb = photo.color.size(1) == 1 ? photo.color.expand({1, 3, -1, -1}) : photo.color;
  const HdrCoding sdr{HdrTransfer::kPq, kBt709};
  return recoded(pq_of_light(srgb_light(rgb) * kHdrWhite), sdr, wanted);
}

bool states_linear_light(const Photo& photo) {
  if (photo.metadata == nullptr) return false;
  return primaries_of_linear_profile(photo.metadata->profile(photo.color.size(1) == 1)).has_value();
}

torch::Tensor linear_values(Photo photo) {
  if (states_linear_light(photo)) return photo.color;
  make_srgb(photo);
  return srgb_light(photo.color);
}

LinearMetrics compare_linear(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave) {
  check_sizes(result, reference);
  const torch::Tensor a = shaved(result, shave);
  const torch::Tensor b = shaved(reference, shave);
  return {psnr(a, b), psnr(srgb_curve(a), srgb_curve(b))};
}

}  // namespace zsr
