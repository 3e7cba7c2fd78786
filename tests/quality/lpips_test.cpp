#include "quality/lpips.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

torch::Tensor pattern(at::IntArrayRef shape, double seed) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  const torch::Tensor i = torch::arange(count, torch::kFloat64);
  const torch::Tensor mixed = torch::remainder(i, 97.0) * torch::remainder(i, 89.0);
  return torch::sin(0.7 * i + 0.013 * mixed + seed).view(shape);
}

struct Files {
  WeightsFile backbone, heads;
};

// AlexNet's shapes, values by formula.
Files alex() {
  const std::vector<std::array<int64_t, 4>> shapes = {
      {0, 64, 3, 11}, {3, 192, 64, 5}, {6, 384, 192, 3}, {8, 256, 384, 3}, {10, 256, 256, 3}};
  Files files;
  files.backbone.origin = "alexnet.pth";
  files.heads.origin = "lpips.pth";
  for (size_t n = 0; n < shapes.size(); ++n) {
    const auto [number, out, in, side] = shapes[n];
    const auto seed = static_cast<double>(n);
    const std::string name = "features." + std::to_string(number);
    const double scale = std::sqrt(2.0 / static_cast<double>(in * side * side));
    files.backbone.tensors.push_back({name + ".weight", pattern({out, in, side, side}, seed) * scale});
    files.backbone.tensors.push_back({name + ".bias", 0.1 * pattern({out}, seed + 10.0)});
    files.heads.tensors.push_back(
        {"lin" + std::to_string(n) + ".model.1.weight", pattern({out}, seed + 20.0).abs().view({1, -1, 1, 1})});
  }
  return files;
}

torch::Tensor part(int64_t y, int64_t x) {
  return test::waves_and_rings().slice(2, y, y + 67).slice(3, x, x + 83);
}

TEST(Lpips, EqualsLoopsInNumPy) {
  const Files files = alex();
  const Lpips lpips(files.backbone, files.heads);
  EXPECT_EQ(lpips.backbone(), "alex");
  // Convolutions, pooling and distances written with NumPy in double precision after the paper's equation 1.
  EXPECT_NEAR(lpips.distance(part(0, 0), part(30, 40)), 2.3664082347104327, 1e-4);
  EXPECT_EQ(lpips.distance(part(0, 0), part(0, 0)), 0.0);
  // A gray image is one with three equal channels.
  const torch::Tensor gray = part(0, 0).slice(1, 0, 1);
  EXPECT_DOUBLE_EQ(lpips.distance(gray, part(30, 40)), lpips.distance(gray.repeat({1, 3, 1, 1}), part(30, 40)));
}

TEST(Lpips, TakesVggByItsShapes) {
  const std::vector<std::array<int64_t, 3>> shapes = {
      {0, 64, 3},     {2, 64, 64},    {5, 128, 64},   {7, 128, 128},  {10, 256, 128}, {12, 256, 256}, {14, 256, 256},
      {17, 512, 256}, {19, 512, 512}, {21, 512, 512}, {24, 512, 512}, {26, 512, 512}, {28, 512, 512}};
  Files files;
  for (const auto& [number, out, in] : shapes) {
    const std::string name = "features." + std::to_string(number);
    const double scale = std::sqrt(2.0 / static_cast<double>(9 * in));
    files.backbone.tensors.push_back({name + ".weight", pattern({out, in, 3, 3}, static_cast<double>(number)) * scale});
    files.backbone.tensors.push_back({name + ".bias", torch::zeros({out})});
  }
  for (const auto& [number, channels] : {std::pair{0, 64}, {1, 128}, {2, 256}, {3, 512}, {4, 512}}) {
    files.heads.tensors.push_back(
        {"lin" + std::to_string(number) + ".model.1.weight", torch::ones({1, channels, 1, 1})});
  }
  const Lpips lpips(files.backbone, files.heads);
  EXPECT_EQ(lpips.backbone(), "vgg");
  // Heads of ones: each layer gives at most 2, the distance of two unit vectors without negative parts.
  const double distance = lpips.distance(part(0, 0), part(30, 40));
  EXPECT_GT(distance, 0.01);
  EXPECT_LT(distance, 10.0);
  EXPECT_NEAR(lpips.distance(part(30, 40), part(0, 0)), distance, 1e-6);
}

TEST(Lpips, RefusesWhatDoesNotBelongTogether) {
  Files files = alex();
  const Lpips lpips(files.backbone, files.heads);
  EXPECT_THROW(lpips.distance(part(0, 0), part(0, 0).slice(2, 0, 60)), InputError);
  EXPECT_THROW(lpips.distance(part(0, 0).slice(2, 0, 30), part(0, 0).slice(2, 0, 30)), InputError);
  EXPECT_THROW(Lpips(files.heads, files.heads), InputError);
  files.heads.tensors[2].tensor = torch::ones({1, 512, 1, 1});
  EXPECT_THROW(Lpips(files.backbone, files.heads), InputError);
}

}  // namespace
}  // namespace zsr
