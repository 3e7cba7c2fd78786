#include "inference/demosaic.h"

#include "core/error.h"
#include "image/resize.h"
#include "networks/demosaic.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "tests/raw/test_scene.h"

#include <gtest/gtest.h>

namespace zsr::inference {
namespace {

std::unique_ptr<networks::Network> shipped(const std::string& name) {
  const WeightsFile weights = shipped_weights(name);
  return networks::recognise(weights)->build(weights);
}

raw::Mosaic mosaic_with(const raw::Rgb& rgb, const std::string& phase) {
  const raw::MosaicPattern pattern = raw::MosaicPattern::bayer(phase);
  return {raw::mosaic_of(rgb, pattern), pattern, {}};
}

TEST(DemosaicNetwork, BeatsTheClosedFormMethodInEveryPhase) {
  const auto network = shipped("demosaic-x1");
  for (const char* const phase : {"RGGB", "BGGR", "GRBG", "GBRG"}) {
    for (const auto& [height, width] : {std::pair{160, 200}, {161, 199}}) {
      const raw::Rgb truth = raw::test::scene(height, width);
      const raw::Mosaic mosaic = mosaic_with(truth, phase);
      EXPECT_GT(raw::test::cpsnr(demosaic(mosaic, *network), truth), raw::test::cpsnr(raw::demosaic(mosaic), truth))
          << phase << " " << height << "x" << width;
    }
  }
}

raw::Rgb resized(const raw::Rgb& colors, double factor) {
  return networks::rgb_of(imresize(networks::tensor_of(colors), {factor, factor}));
}

TEST(DemosaicNetwork, EnlargingAtOnceBeatsEnlargingAfterwards) {
  const auto one = shipped("demosaic-x1");
  const auto two = shipped("demosaic-x2");
  for (const char* const phase : {"RGGB", "BGGR", "GRBG", "GBRG"}) {
    for (const auto& [height, width] : {std::pair{160, 200}, {162, 198}}) {
      const raw::Rgb truth = raw::test::scene(height, width);
      const raw::Mosaic mosaic = mosaic_with(resized(truth, 0.5), phase);
      EXPECT_GT(raw::test::cpsnr(demosaic(mosaic, *two), truth),
                raw::test::cpsnr(resized(demosaic(mosaic, *one), 2.0), truth))
          << phase << " " << height << "x" << width;
    }
  }
}

class DemosaicTiles : public testing::TestWithParam<int64_t> {};

TEST_P(DemosaicTiles, DoNotShow) {
  const int64_t s = GetParam();
  const auto network = shipped(s == 1 ? "demosaic-x1" : "demosaic-x2");
  const raw::Rgb truth = raw::test::scene(90, 620);
  const raw::Rgb whole = demosaic(mosaic_with(truth, "GRBG"), *network);
  raw::Rgb part{raw::Plane(90, 200), raw::Plane(90, 200), raw::Plane(90, 200)};
  constexpr int64_t kFrom = 408;  // a tile ends at 512
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 90; ++y) std::copy_n(truth[c].row(y) + kFrom, 200, part[c].row(y));
  }
  const raw::Rgb made = demosaic(mosaic_with(part, "GRBG"), *network);
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 90 * s; ++y) {
      for (int64_t x = 70 * s; x < 130 * s; ++x) {
        ASSERT_NEAR(made[c].row(y)[x], whole[c].row(y)[s * kFrom + x], 1e-4) << y;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryScale, DemosaicTiles, testing::Values(1, 2));

TEST(DemosaicNetwork, TinyAndOtherMosaics) {
  const auto network = shipped("demosaic-x1");
  const auto twice = shipped("demosaic-x2");
  for (const auto& [height, width] : {std::pair{2, 2}, {3, 5}, {9, 4}}) {
    const raw::Mosaic tiny = mosaic_with(raw::test::scene(height, width), "GBRG");
    const raw::Rgb made = demosaic(tiny, *network);
    EXPECT_EQ(made[0].height, height);
    for (const float value : made[1].values) EXPECT_TRUE(std::isfinite(value));
    EXPECT_EQ(demosaic(tiny, *twice)[2].width, 2 * width);
  }
  raw::Mosaic xtrans{raw::Plane(12, 12), raw::MosaicPattern::xtrans(), {}};
  EXPECT_THROW(demosaic(xtrans, *network), OptionError);
  EXPECT_THROW(demosaic(mosaic_with(raw::test::scene(8, 8), "RGGB"), *shipped("edsr-light-x2")), OptionError);
}

}  // namespace
}  // namespace zsr::inference
