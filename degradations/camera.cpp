#include "core/error.h"
#include "core/normal_field.h"
#include "degradations/filter.h"
#include "degradations/noise.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

torch::Tensor to_linear(const torch::Tensor& image) {
  return torch::where(image.le(0.04045), image.div(12.92), image.add(0.055).div(1.055).pow(2.4));
}

torch::Tensor to_srgb(const torch::Tensor& image) {
  return torch::where(image.le(0.0031308), image.mul(12.92),
                      image.clamp_min(0.0031308).pow(1.0 / 2.4).mul(1.055).sub(0.055));
}

// RGGB: masks of the pixels where each colour is measured, [1, 3, H, W].
torch::Tensor mosaic_mask(int64_t height, int64_t width) {
  const auto parity = [](int64_t length, int64_t odd) {
    return torch::arange(length).remainder(2).eq(odd).to(torch::kFloat32);
  };
  const torch::Tensor y0 = parity(height, 0).unsqueeze(1);
  const torch::Tensor y1 = parity(height, 1).unsqueeze(1);
  const torch::Tensor x0 = parity(width, 0).unsqueeze(0);
  const torch::Tensor x1 = parity(width, 1).unsqueeze(0);
  return torch::stack({y0 * x0, y0 * x1 + y1 * x0, y1 * x1}).unsqueeze(0);
}

torch::Tensor five_by_five(std::initializer_list<double> eighths) {
  return torch::tensor(std::vector<double>(eighths), torch::kFloat64).view({5, 5}).div_(8.0);
}

// Malvar, He and Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images", 2004.
torch::Tensor demosaic(const torch::Tensor& raw, const torch::Tensor& mask) {
  static const torch::Tensor green =
      five_by_five({0, 0, -1, 0, 0, 0, 0, 2, 0, 0, -1, 2, 4, 2, -1, 0, 0, 2, 0, 0, 0, 0, -1, 0, 0});
  static const torch::Tensor in_row =
      five_by_five({0, 0, 0.5, 0, 0, 0, -1, 0, -1, 0, -1, 4, 5, 4, -1, 0, -1, 0, -1, 0, 0, 0, 0.5, 0, 0});
  static const torch::Tensor in_column = in_row.t().contiguous();
  static const torch::Tensor across =
      five_by_five({0, 0, -1.5, 0, 0, 0, 2, 0, 2, 0, -1.5, 0, 6, 0, -1.5, 0, 2, 0, 2, 0, 0, 0, -1.5, 0, 0});
  const auto filtered = [&](const torch::Tensor& weights) { return correlate(raw, weights, {}, Border::kReflect); };
  const torch::Tensor at_red = mask.slice(1, 0, 1);
  const torch::Tensor at_green = mask.slice(1, 1, 2);
  const torch::Tensor at_blue = mask.slice(1, 2, 3);
  const torch::Tensor even_row = torch::arange(raw.size(2)).remainder(2).eq(0).to(torch::kFloat32).view({1, 1, -1, 1});
  const torch::Tensor green_in_red_row = at_green * even_row;
  const torch::Tensor green_in_blue_row = at_green * (1.0 - even_row);
  const torch::Tensor row = filtered(in_row);
  const torch::Tensor column = filtered(in_column);
  const torch::Tensor diagonal = filtered(across);
  const torch::Tensor red = raw * at_red + row * green_in_red_row + column * green_in_blue_row + diagonal * at_blue;
  const torch::Tensor blue = raw * at_blue + row * green_in_blue_row + column * green_in_red_row + diagonal * at_red;
  const torch::Tensor middle = raw * at_green + filtered(green) * (at_red + at_blue);
  return torch::cat({red, middle, blue}, 1);
}

torch::Tensor noisy(const torch::Tensor& raw, double shot, double read, uint64_t seed) {
  torch::Tensor field = torch::empty(raw.sizes(), torch::kFloat32);
  fill_normal(seed, field.data_ptr<float>(), field.numel());
  return raw + field * raw.clamp_min(0.0).mul(shot).add(read * read).sqrt();
}

}  // namespace

torch::Tensor add_camera_noise(const torch::Tensor& image, double shot, double read, uint64_t seed) {
  if (!(shot >= 0.0) || !(read >= 0.0) || shot > 1.0 || read > 1.0) {
    throw OptionError(fmt::format("camera shot = {:g}, read = {:g}, must be 0 to 1", shot, read));
  }
  const torch::Tensor linear = to_linear(image.clamp(0.0, 1.0));
  if (image.size(1) == 1) return to_srgb(noisy(linear, shot, read, seed).clamp_(0.0, 1.0)).clamp_(0.0, 1.0);
  const torch::Tensor mask = mosaic_mask(image.size(2), image.size(3));
  const torch::Tensor raw = noisy((linear * mask).sum(1, true), shot, read, seed).clamp_(0.0, 1.0);
  return to_srgb(demosaic(raw, mask).clamp_(0.0, 1.0)).clamp_(0.0, 1.0);
}

}  // namespace zsr
