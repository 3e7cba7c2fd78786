#include "degradations/estimation/scratches.h"

#include "core/error.h"
#include "image/photo.h"
#include "image/resize.h"
#include "tests/support/scratched.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

// Soft shapes and an edge: a photo without thin things.
torch::Tensor soft_photo(int64_t height, int64_t width) {
  torch::manual_seed(3);
  torch::Tensor image =
      imresize(torch::rand({1, 3, 6, 8}), {static_cast<double>(height) / 6.0, static_cast<double>(width) / 8.0});
  image.slice(3, width / 3, width).mul_(0.7);
  return (image + 0.01 * torch::randn_like(image)).clamp(0.0, 1.0);
}

double part_found(const torch::Tensor& mask, const torch::Tensor& damage) {
  return ((1.0 - mask) * damage).sum().item<double>() / damage.sum().item<double>();
}

// Pixels taken beyond the margin around the drawn lines.
double taken_elsewhere(const torch::Tensor& mask, const torch::Tensor& damage) {
  const torch::Tensor near = torch::max_pool2d(damage, {17, 17}, {1, 1}, {8, 8});
  return ((1.0 - mask) * (1.0 - near)).mean().item<double>();
}

TEST(Scratches, AreFoundWhereTheyAre) {
  for (const double value : {1.0, 0.0}) {
    const test::Scratched scratched = test::draw_scratches(soft_photo(192, 256), value);
    const torch::Tensor mask = propose_mask(scratched.photo);
    EXPECT_GT(part_found(mask, scratched.damage), 0.85) << value;
    EXPECT_LT(taken_elsewhere(mask, scratched.damage), 2e-3) << value;
  }
}

TEST(Scratches, BothPolaritiesAreFoundForMasksThatAPersonSees) {
  const test::Scratched bright = test::draw_scratches(soft_photo(192, 256), 1.0);
  const test::Scratched dark = test::draw_scratches(bright.photo.flip(3), 0.0);
  const torch::Tensor mask = propose_mask(dark.photo, {.dominance = 0.0});
  EXPECT_GT(part_found(mask, dark.damage), 0.7);
  EXPECT_GT(part_found(mask, bright.damage.flip(3)), 0.7);
}

TEST(Scratches, DustIsFoundWhereItIsMany) {
  const torch::Tensor clean = soft_photo(192, 256);
  torch::Tensor dusty = clean.clone();
  torch::Tensor damage = torch::zeros({1, 1, 192, 256});
  for (int64_t i = 0; i < 8; ++i) {
    const int64_t y = 20 + 19 * i;
    const int64_t x = 25 + (i * 83) % 200;
    dusty.slice(2, y, y + 2).slice(3, x, x + 2).fill_(1.0);
    damage.slice(2, y, y + 2).slice(3, x, x + 2).fill_(1.0);
  }
  const torch::Tensor mask = propose_mask(dusty);
  EXPECT_GT(part_found(mask, damage), 0.7);
  EXPECT_LT(taken_elsewhere(mask, damage), 1e-3);
}

TEST(Scratches, PhotosWithoutAnyStayWhole) {
  EXPECT_GT(propose_mask(soft_photo(192, 256)).mean().item<double>(), 0.998);
  for (const char* name : {"portrait_160.png", "cameraman_gray_128.png", "cat.jpg"}) {
    const torch::Tensor photo = load_photo(std::string(ZSR_EXAMPLES "/") + name).color;
    EXPECT_EQ(propose_mask(photo).mean().item<double>(), 1.0) << name;
  }
}

TEST(Scratches, AStripedPatternIsNone) {
  const torch::Tensor stripes = (torch::arange(256).remainder(8) < 2).to(torch::kFloat32) * 0.5 + 0.2;
  EXPECT_EQ(propose_mask(stripes.view({1, 1, 1, 256}).expand({1, 1, 192, 256})).mean().item<double>(), 1.0);
}

TEST(Scratches, AnySizeIsTaken) {
  for (const torch::Tensor& photo :
       {torch::rand({1, 3, 1, 1}), torch::rand({1, 1, 3, 200}), torch::rand({1, 3, 9, 2})}) {
    const torch::Tensor mask = propose_mask(photo);
    EXPECT_EQ(mask.size(2), photo.size(2));
    EXPECT_EQ(mask.size(3), photo.size(3));
  }
}

TEST(Scratches, OptionsOutOfRangeAreRefused) {
  EXPECT_THROW(propose_mask(soft_photo(60, 60), {.sensitivity = 0.0}), OptionError);
  EXPECT_THROW(propose_mask(soft_photo(60, 60), {.dominance = -1.0}), OptionError);
}

}  // namespace
}  // namespace zsr
