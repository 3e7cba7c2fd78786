#include "inference/tiles.h"

#include "degradations/filter.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::inference {
namespace {

// Every pixel of the result is written by one tile, and each tile has read what lies around it.
TEST(Tiles, OwnPartsCoverTheAxisOnce) {
  for (const double scale : {1.0, 1.37, 2.0, 3.0}) {
    for (const int64_t length : {1, 16, 47, 100}) {
      const auto hr_length = static_cast<int64_t>(std::ceil(static_cast<double>(length) * scale));
      int64_t written = 0;
      for (const Span& span : split(length, hr_length, scale, {.tile = 16, .halo = 5, .margin = 3})) {
        EXPECT_EQ(span.write_begin, written);
        EXPECT_GT(span.write_end, span.write_begin);
        EXPECT_LE(span.hr_begin, span.write_begin);
        EXPECT_GE(span.hr_end, span.write_end);
        EXPECT_GE(span.read_begin, -3);
        EXPECT_LE(span.read_end, length + 3);
        written = span.write_end;
      }
      EXPECT_EQ(written, hr_length) << scale << ", " << length;
    }
  }
}

TEST(Tiles, MarginOfAWholeFactorIsThatManyTimesAsWide) {
  const Span span = split(20, 60, 3.0, {.tile = 32, .halo = 8, .margin = 4})[0];
  EXPECT_EQ(span.read_begin, -4);
  EXPECT_EQ(span.read_end, 24);
  EXPECT_EQ(span.hr_begin, -12);
  EXPECT_EQ(span.hr_end, 72);
}

// A mean over 7 x 7 pixels sees 3 to each side.
TEST(Tiles, FilterInTilesIsTheFilter) {
  const torch::Tensor photo = test::texture(3, 40, 53).to(torch::kFloat32);
  constexpr int64_t kMarginHere = 3;
  const torch::Tensor padded = pad_image(photo, 3, 3, 3, 3, Border::kSymmetric);
  const torch::Tensor whole = torch::avg_pool2d(padded, {7, 7}, {1, 1});
  int64_t made = 0;
  const torch::Tensor tiled =
      in_tiles({40, 53}, {40, 53}, {1.0, 1.0}, 3, {.tile = 16, .halo = 3, .margin = kMarginHere},
               [&](const Span& row, const Span& column) {
                 ++made;
                 const torch::Tensor part = read_tile(padded, row, column, kMarginHere);
                 // The outermost pixels lack neighbours; they are no tile's own, or lie in the margin.
                 return pad_image(torch::avg_pool2d(part, {7, 7}, {1, 1}), 3, 3, 3, 3, Border::kSymmetric);
               });
  EXPECT_EQ(made, count_tiles({40, 53}, 16));
  EXPECT_LT(test::max_difference(tiled, whole), 1e-6);
}

TEST(Tiles, SideFollowsMemory) {
  EXPECT_EQ(tile_side({100, 300}, 10.0, 1e6, 8, 32), 300);  // all of it fits
  EXPECT_EQ(tile_side({1000, 1000}, 10.0, 1e6, 8, 32), 316 - 16);
  EXPECT_EQ(tile_side({1000, 1000}, 10.0, 1e3, 8, 32), 32);
}

TEST(Tiles, PairsOfPixelsTakeMemoryWithTheSquare) {
  EXPECT_EQ(pixels_within(1e6, 10.0, 0.0), 1e5);
  const double pixels = pixels_within(1e9, 3072.0, 12.0);
  EXPECT_NEAR(3072.0 * pixels + 12.0 * pixels * pixels, 1e9, 1.0);
  EXPECT_LT(pixels, 1e4);
}

TEST(Tiles, AreAsLargeAsMemoryAllows) {
  constexpr double kBytes = 1000.0;                 // a pixel
  EXPECT_EQ(planned_tile(64, kBytes, 8, 0.0), 64);  // what was asked for stands
  EXPECT_EQ(planned_tile(0, kBytes, 8, 0.0), 0);
  EXPECT_EQ(planned_tile(kByMemory, kBytes, 8, 1e12), 256);
  EXPECT_EQ(planned_tile(kByMemory, 0.0, 8, 1e6), 256);
  EXPECT_EQ(planned_tile(kByMemory, kBytes, 8, 2.0 * kBytes * 116 * 116), 100);
  EXPECT_EQ(planned_tile(kByMemory, kBytes, 8, 1.0), 16);
}

}  // namespace
}  // namespace zsr::inference
