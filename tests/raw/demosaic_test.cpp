#include "raw/demosaic.h"

#include "core/error.h"
#include "tests/raw/test_scene.h"

#include <gtest/gtest.h>

namespace zsr::raw {
namespace {

using test::cpsnr;
using test::scene;

std::vector<MosaicPattern> patterns() {
  return {MosaicPattern::bayer("RGGB"), MosaicPattern::bayer("BGGR"), MosaicPattern::bayer("GRBG"),
          MosaicPattern::bayer("GBRG"), MosaicPattern::xtrans()};
}

Mosaic mosaic_with(const Rgb& rgb, const MosaicPattern& pattern) {
  return {mosaic_of(rgb, pattern), pattern, {}};
}

TEST(MosaicPattern, ShiftsAndNames) {
  const MosaicPattern pattern = MosaicPattern::bayer("RGGB");
  EXPECT_EQ(pattern.shifted(1, 0).name(), "GBRG");
  EXPECT_EQ(pattern.shifted(0, 1).name(), "GRBG");
  EXPECT_EQ(pattern.shifted(-1, -1).name(), "BGGR");
  EXPECT_EQ(MosaicPattern::xtrans().shifted(6, -6), MosaicPattern::xtrans());
  EXPECT_THROW(MosaicPattern::bayer("RGBG"), OptionError);
  EXPECT_THROW(MosaicPattern::from_colors(4, {}), OptionError);
  EXPECT_THROW(MosaicPattern::from_colors(2, {1, 1, 1, 1}), OptionError);
}

// 8 of 36 are red, 20 green, 8 blue, and every row and column has all three.
TEST(MosaicPattern, XtransHasAllColorsInEveryRowAndColumn) {
  const MosaicPattern pattern = MosaicPattern::xtrans();
  std::array<int, 3> count{};
  for (int64_t y = 0; y < 6; ++y) {
    std::array<int, 3> row{};
    std::array<int, 3> column{};
    for (int64_t x = 0; x < 6; ++x) {
      ++count[static_cast<size_t>(pattern.color(y, x))];
      ++row[static_cast<size_t>(pattern.color(y, x))];
      ++column[static_cast<size_t>(pattern.color(x, y))];
    }
    for (size_t c = 0; c < 3; ++c) EXPECT_TRUE(row[c] > 0 && column[c] > 0);
  }
  EXPECT_EQ(count, (std::array<int, 3>{8, 20, 8}));
}

TEST(Demosaic, FlatColorStaysFlat) {
  Rgb rgb{Plane(30, 41), Plane(30, 41), Plane(30, 41)};
  const std::array<float, 3> color{0.7F, 0.4F, 0.2F};
  for (size_t c = 0; c < 3; ++c) std::fill(rgb[c].values.begin(), rgb[c].values.end(), color[c]);
  for (const MosaicPattern& pattern : patterns()) {
    const Mosaic mosaic = mosaic_with(rgb, pattern);
    for (const Rgb& made : {demosaic(mosaic), demosaic_bilinear(mosaic)}) {
      for (size_t c = 0; c < 3; ++c) {
        for (const float value : made[c].values) ASSERT_NEAR(value, color[c], 1e-5) << pattern.name();
      }
    }
  }
}

TEST(Demosaic, KeepsWhatWasMeasured) {
  const Rgb rgb = scene(50, 64);
  for (const MosaicPattern& pattern : patterns()) {
    const Rgb made = demosaic(mosaic_with(rgb, pattern));
    for (int64_t y = 0; y < 50; ++y) {
      for (int64_t x = 0; x < 64; ++x) {
        const auto c = static_cast<size_t>(pattern.color(y, x));
        ASSERT_NEAR(made[c].row(y)[x], rgb[c].row(y)[x], 1e-5) << pattern.name();
      }
    }
  }
}

TEST(Demosaic, TinyMosaicsHaveFiniteColors) {
  for (const MosaicPattern& pattern : patterns()) {
    for (const auto& [height, width] : {std::pair{2, 2}, {3, 7}, {8, 2}}) {
      if (!pattern.is_bayer() && std::min(height, width) < 3) continue;
      Mosaic mosaic = mosaic_with(scene(height, width), pattern);
      mosaic.noise.fill(NoiseCurve(0.02));
      for (const Plane& plane : demosaic(mosaic)) {
        for (const float value : plane.values) ASSERT_TRUE(std::isfinite(value)) << pattern.name();
      }
    }
  }
}

// A picture of several tiles is what its middle is alone.
TEST(Demosaic, TilesDoNotShow) {
  const int64_t side = 300;
  const Rgb rgb = scene(side, side);
  for (const MosaicPattern& pattern : patterns()) {
    const Rgb whole = demosaic(mosaic_with(rgb, pattern));
    constexpr int64_t kFrom = 204;  // a multiple of both mosaics' sides; a tile ends at 240
    Mosaic part{Plane(72, 72), pattern, {}};
    const Mosaic all = mosaic_with(rgb, pattern);
    for (int64_t y = 0; y < 72; ++y) std::copy_n(all.values.row(kFrom + y) + kFrom, 72, part.values.row(y));
    const Rgb made = demosaic(part);
    for (size_t c = 0; c < 3; ++c) {
      for (int64_t y = 20; y < 52; ++y) {
        for (int64_t x = 20; x < 52; ++x) {
          ASSERT_NEAR(made[c].row(y)[x], whole[c].row(kFrom + y)[kFrom + x], 1e-6) << pattern.name();
        }
      }
    }
  }
}

TEST(Demosaic, BeatsBilinear) {
  const Rgb rgb = scene(160, 200);
  for (const MosaicPattern& pattern : patterns()) {
    const Mosaic mosaic = mosaic_with(rgb, pattern);
    EXPECT_GT(cpsnr(demosaic(mosaic), rgb), cpsnr(demosaic_bilinear(mosaic), rgb) + 2.5) << pattern.name();
  }
}

TEST(Demosaic, KnownNoiseIsTakenOut) {
  const Rgb rgb = scene(160, 200);
  for (const MosaicPattern& pattern : patterns()) {
    Mosaic mosaic = mosaic_with(rgb, pattern);
    mosaic.noise.fill(NoiseCurve(NoiseModel{0.001, 0.02}));
    test::add_noise(mosaic.values, mosaic.noise[0], 3);
    EXPECT_GT(cpsnr(demosaic(mosaic), rgb), cpsnr(demosaic_without_denoising(mosaic), rgb) + 2.0) << pattern.name();
  }
}

// On a flat field nothing but the mean is left, and that is right.
TEST(Demosaic, NoiseOfAFlatFieldAveragesOut) {
  Rgb rgb{Plane(120, 120), Plane(120, 120), Plane(120, 120)};
  for (size_t c = 0; c < 3; ++c)
    std::fill(rgb[c].values.begin(), rgb[c].values.end(), 0.2F * static_cast<float>(c + 1));
  Mosaic mosaic = mosaic_with(rgb, MosaicPattern::bayer("GRBG"));
  mosaic.noise.fill(NoiseCurve(0.05));
  test::add_noise(mosaic.values, mosaic.noise[0], 4);
  const Rgb made = demosaic(mosaic);
  for (size_t c = 0; c < 3; ++c) {
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : made[c].values) {
      sum += value;
      squares += (value - rgb[c].values[0]) * (value - rgb[c].values[0]);
    }
    const auto count = static_cast<double>(made[c].values.size());
    EXPECT_NEAR(sum / count, rgb[c].values[0], 0.003);
    EXPECT_LT(std::sqrt(squares / count), 0.02);
  }
}

TEST(NoiseCurve, FollowsItsModel) {
  const NoiseModel model{0.01, 0.002};
  const NoiseCurve curve(model);
  for (const float value : {0.0F, 0.1F, 0.37F, 1.0F}) EXPECT_NEAR(curve.variance(value), model.variance(value), 1e-8);
  EXPECT_EQ(curve.variance(2.0F), curve.variance(1.0F));
  EXPECT_FALSE(NoiseCurve().any());
  EXPECT_TRUE(NoiseCurve(0.1).any());
}

}  // namespace
}  // namespace zsr::raw
