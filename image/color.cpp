#include "image/color.h"

#include "core/error.h"

#include <torch/types.h>

namespace zsr {
namespace {

// Rows Y, Cb, Cr of MATLAB's matrix for RGB in [0, 1] and results in 0-255 (ITU-R BT.601; also Poynton 1996).
torch::Tensor forward_matrix(torch::ScalarType dtype) {
  return torch::tensor({{65.481, 128.553, 24.966}, {-37.797, -74.203, 112.0}, {112.0, -93.786, -18.214}},
                       torch::kFloat64)
      .div(255.0)
      .to(dtype);
}

torch::Tensor offset(torch::ScalarType dtype) {
  return torch::tensor({16.0, 128.0, 128.0}, torch::kFloat64).div(255.0).to(dtype).view({1, 3, 1, 1});
}

torch::Tensor mix(const torch::Tensor& matrix, const torch::Tensor& image) {
  return torch::einsum("oc,nchw->nohw", {matrix, image});
}

void check_color(const torch::Tensor& image) {
  if (image.dim() != 4 || image.size(1) != 3) throw InputError("expected a colour image of shape [N, 3, H, W]");
}

}  // namespace

torch::Tensor rgb_to_ycbcr(const torch::Tensor& rgb) {
  check_color(rgb);
  const auto dtype = rgb.scalar_type();
  return mix(forward_matrix(dtype).to(rgb.device()), rgb) + offset(dtype).to(rgb.device());
}

torch::Tensor ycbcr_to_rgb(const torch::Tensor& ycbcr) {
  check_color(ycbcr);
  const auto dtype = ycbcr.scalar_type();
  const torch::Tensor inverse = torch::linalg_inv(forward_matrix(torch::kFloat64)).to(dtype);
  return mix(inverse.to(ycbcr.device()), ycbcr - offset(dtype).to(ycbcr.device()));
}

torch::Tensor luma(const torch::Tensor& image) {
  if (image.dim() == 4 && image.size(1) == 1) return image;
  check_color(image);
  const auto rgb = image.unbind(1);
  return (rgb[0].mul(65.481) + rgb[1].mul(128.553) + rgb[2].mul(24.966)).add_(16.0).div_(255.0).unsqueeze(1);
}

std::pair<torch::Tensor, torch::Tensor> with_equal_channels(const torch::Tensor& a, const torch::Tensor& b) {
  const auto widened = [](const torch::Tensor& gray, const torch::Tensor& other) {
    return gray.size(1) == 1 && other.size(1) == 3 ? gray.repeat({1, 3, 1, 1}) : gray;
  };
  return {widened(a, b), widened(b, a)};
}

}  // namespace zsr
