#include "dip/scratches.h"

#include "core/error.h"
#include "core/image/resize.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::dip {
namespace {

// Soft shapes and an edge: a photo without thin things.
torch::Tensor soft_photo(int64_t height, int64_t width) {
  torch::manual_seed(3);
  torch::Tensor image =
      imresize(torch::rand({1, 3, 6, 8}), {static_cast<double>(height) / 6.0, static_cast<double>(width) / 8.0});
  image.slice(3, width / 3, width).mul_(0.7);
  return (image + 0.01 * torch::randn_like(image)).clamp(0.0, 1.0);
}

struct Damaged {
  torch::Tensor photo;
  torch::Tensor damage;  // [1, 1, h, w], 1 where something was drawn
};

Damaged scratch(const torch::Tensor& photo) {
  Damaged damaged{photo.clone(), torch::zeros({1, 1, photo.size(2), photo.size(3)})};
  const auto paint = [&](int64_t y, int64_t x, double value) {
    if (y < 0 || x < 0 || y >= photo.size(2) || x >= photo.size(3)) return;
    damaged.damage[0][0][y][x] = 1.0;
    for (int64_t c = 0; c < photo.size(1); ++c) damaged.photo[0][c][y][x] = value;
  };
  for (int64_t i = 10; i < 160; ++i) {  // a steep white scratch, two pixels wide, slightly bent
    const auto x =
        static_cast<int64_t>(60.0 + 0.2 * static_cast<double>(i) + 3.0 * std::sin(0.03 * static_cast<double>(i)));
    paint(i, x, 1.0);
    paint(i, x + 1, 1.0);
  }
  for (int64_t i = 0; i < 120; ++i) paint(130 + i / 4, 110 + i, 0.0);  // a dark one
  for (int64_t y = 40; y < 43; ++y) {
    for (int64_t x = 180; x < 183; ++x) paint(y, x, 1.0);  // a grain of dust
  }
  return damaged;
}

TEST(Scratches, AreFoundWhereTheyAre) {
  const Damaged damaged = scratch(soft_photo(192, 256));
  const torch::Tensor mask = propose_mask(damaged.photo);
  const torch::Tensor filled = 1.0 - mask;
  const double found = (filled * damaged.damage).sum().item<double>() / damaged.damage.sum().item<double>();
  EXPECT_GT(found, 0.9);
  // Beyond the margin around the drawn lines nothing is taken away.
  const torch::Tensor near = torch::max_pool2d(damaged.damage, {9, 9}, {1, 1}, {4, 4});
  EXPECT_LT((filled * (1.0 - near)).mean().item<double>(), 2e-3);
}

TEST(Scratches, APhotoWithoutAnyStaysWhole) {
  EXPECT_GT(propose_mask(soft_photo(192, 256)).mean().item<double>(), 0.998);
  ScratchOptions options;
  options.sensitivity = 0.0;
  EXPECT_THROW(propose_mask(soft_photo(60, 60), options), OptionError);
}

}  // namespace
}  // namespace zsr::dip
