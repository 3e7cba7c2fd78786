#include "quality/perceptual.h"

#include "core/error.h"
#include "image/resize.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

// The gray pictures that the reference value below was computed of, [1, 1, 200, 260].
std::array<torch::Tensor, 2> waves() {
  const torch::Tensor y = torch::arange(200, torch::kFloat64).view({1, 1, -1, 1});
  const torch::Tensor x = torch::arange(260, torch::kFloat64).view({1, 1, 1, -1});
  const torch::Tensor coarse = 0.25 * torch::sin(0.11 * x + 0.05 * y) * torch::cos(0.03 * x * y / 50.0);
  const torch::Tensor fine = torch::sin(0.9 * x) * torch::sin(0.7 * y);
  return {0.5 + coarse + 0.15 * fine, 0.5 + 0.97 * coarse + 0.09 * fine + 0.02 * torch::cos(1.7 * x - 0.4 * y)};
}

TEST(MsSsim, EqualsTheAuthorsFormula) {
  const auto [a, b] = waves();
  // msssim.m written in NumPy and SciPy (convolve2d 'valid', pairs averaged, grey levels 0 to 255).
  EXPECT_NEAR(ms_ssim(a, b), 0.973024850492159, 1e-9);
  EXPECT_NEAR(ms_ssim(a, a), 1.0, 1e-12);
  EXPECT_TRUE(std::isnan(ms_ssim(a.slice(2, 0, 175), b.slice(2, 0, 175))));
  EXPECT_THROW(ms_ssim(a, b.slice(2, 0, 190)), InputError);
}

TEST(ShiftedPsnr, FindsTheShiftAndIsNeverWorse) {
  const torch::Tensor large = imresize(test::texture(3, 80, 90), {2.0, 2.0}).clamp(0.0, 1.0);
  const torch::Tensor reference = large.slice(2, 8, 150).slice(3, 8, 170);
  const torch::Tensor moved = large.slice(2, 9, 151).slice(3, 6, 168);
  const ShiftedPsnr whole = shifted_psnr(moved, reference, 4, 2);
  EXPECT_TRUE(std::isinf(whole.psnr));
  EXPECT_EQ(whole.shift_y, 1.0);
  EXPECT_EQ(whole.shift_x, -2.0);
  const ShiftedPsnr none = shifted_psnr(reference, reference, 4, 2);
  EXPECT_EQ(none.shift_y, 0.0);
  EXPECT_EQ(none.shift_x, 0.0);
  // Half a pixel, by the grid's phase.
  ResizeOptions half;
  half.phase = Phase{0.5, 0.5};
  const torch::Tensor between =
      imresize(reference, {1.0, 1.0}, half).slice(2, 0, reference.size(2)).slice(3, 0, reference.size(3));
  const ShiftedPsnr parts = shifted_psnr(between, reference, 4, 2);
  EXPECT_NEAR(std::abs(parts.shift_y), 0.5, 0.26);
  EXPECT_NEAR(std::abs(parts.shift_x), 0.5, 0.26);
  EXPECT_THROW(shifted_psnr(reference.slice(2, 0, 10), reference.slice(2, 0, 10), 4, 2), InputError);
}

TEST(InventedDetail, SeesWhatThePhotoDoesNotSuggest) {
  // Smooth waves, and a result with a checkerboard in its left half that the photo knows nothing of.
  const torch::Tensor y = torch::arange(120, torch::kFloat32).view({1, 1, -1, 1});
  const torch::Tensor x = torch::arange(140, torch::kFloat32).view({1, 1, 1, -1});
  const torch::Tensor smooth = (0.5 + 0.3 * torch::sin(0.1 * x + 0.07 * y)).repeat({1, 3, 1, 1});
  const torch::Tensor photo = imresize(smooth, {0.5, 0.5});
  EXPECT_LT(invented_detail(smooth, photo).max().item<double>(), 0.01);
  torch::Tensor board = smooth.clone();
  board.slice(3, 0, 70).add_(0.1 * ((x + y).remainder(2.0) - 0.5).slice(3, 0, 70));
  const torch::Tensor map = invented_detail(board, photo);
  EXPECT_GT(map.slice(2, 20, 100).slice(3, 10, 60).min().item<double>(), 0.03);
  EXPECT_LT(map.slice(3, 80).max().item<double>(), 0.01);
}

}  // namespace
}  // namespace zsr
