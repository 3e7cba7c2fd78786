#pragma once

#include <torch/types.h>

#include <utility>

namespace zsr {

/// Note [YCbCr range]
/// MATLAB's rgb2ycbcr (ITU-R BT.601, studio range): for RGB in [0, 1], Y in [16, 235] / 255 and Cb, Cr in [16, 240] /
/// 255. OpenCV's YCrCb is full range and gives other PSNR values; papers use MATLAB's.

/// [N, 3, H, W] RGB in [0, 1] -> [N, 3, H, W] Y, Cb, Cr, same dtype (MATLAB rgb2ycbcr of a double image).
torch::Tensor rgb_to_ycbcr(const torch::Tensor& rgb);

/// Inverse of `rgb_to_ycbcr`.
torch::Tensor ycbcr_to_rgb(const torch::Tensor& ycbcr);

/// Y only, [N, 1, H, W]. A gray image (C = 1) is taken as luma already and returned as it is, as the SR papers do.
torch::Tensor luma(const torch::Tensor& image);

/// Both images with one number of channels: where one is gray (C = 1) and the other RGB (C = 3), the gray one becomes
/// three equal channels. Two gray or two RGB images are returned as they are. [N, C, H, W] each.
std::pair<torch::Tensor, torch::Tensor> with_equal_channels(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace zsr
