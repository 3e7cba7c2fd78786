#include "raw/develop.h"

#include "core/error.h"
#include "raw/noise_fit.h"
#include "tests/raw/test_scene.h"

#include <gtest/gtest.h>

namespace zsr::raw {
namespace {

constexpr Matrix kIdentity = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};

RawPhoto photo_of(const Rgb& linear, const MosaicPattern& pattern, const std::array<double, 3>& gains = {1, 1, 1}) {
  RawPhoto photo;
  Rgb raw = linear;
  for (size_t c = 0; c < 3; ++c) {
    for (float& value : raw[c].values) value /= static_cast<float>(gains[c]);
  }
  photo.values = mosaic_of(raw, pattern);
  photo.pattern = pattern;
  photo.white_balance = gains;
  photo.camera_to_srgb = kIdentity;
  return photo;
}

Rgb flat(int64_t height, int64_t width, std::array<float, 3> color) {
  Rgb rgb{Plane(height, width), Plane(height, width), Plane(height, width)};
  for (size_t c = 0; c < 3; ++c) std::fill(rgb[c].values.begin(), rgb[c].values.end(), color[c]);
  return rgb;
}

Rgb developed(const RawPhoto& photo, const DevelopOptions& options) {
  const UprightSize size = upright_size(photo);
  std::vector<float> out(static_cast<size_t>(3 * size.width * size.height));
  develop(photo, options, out.data());
  Rgb rgb;
  for (size_t c = 0; c < 3; ++c) {
    rgb[c] = Plane(size.height, size.width);
    std::copy_n(out.begin() + static_cast<ptrdiff_t>(c * rgb[c].values.size()), rgb[c].values.size(),
                rgb[c].values.begin());
  }
  return rgb;
}

// Values of the definitions: IEC 61966-2-1's curve, and P3's numbers for sRGB's red (0.9175, 0.2003, 0.1386).
TEST(Develop, FlatColorsHaveTheNumbersOfTheSpace) {
  const RawPhoto gray =
      photo_of(flat(40, 40, {0.2140F, 0.2140F, 0.2140F}), MosaicPattern::bayer("RGGB"), {2.0, 1.0, 1.5});
  EXPECT_NEAR(developed(gray, {})[0].row(9)[9], 0.5, 1e-3);
  EXPECT_NEAR(developed(gray, {.space = ColorSpace::kLinearSrgb})[2].row(9)[9], 0.2140, 1e-4);
  const Rgb p3 = developed(photo_of(flat(40, 40, {1.0F, 0.0F, 0.0F}), MosaicPattern::bayer("RGGB")),
                           {.space = ColorSpace::kDisplayP3});
  EXPECT_NEAR(p3[0].row(9)[9], 0.9175, 1e-3);
  EXPECT_NEAR(p3[1].row(9)[9], 0.2003, 1e-3);
  EXPECT_NEAR(p3[2].row(9)[9], 0.1386, 1e-3);
}

TEST(Develop, SaturatedWhiteStaysWhite) {
  RawPhoto photo = photo_of(flat(40, 40, {1.0F, 1.0F, 1.0F}), MosaicPattern::bayer("GRBG"), {2.0, 1.0, 1.5});
  std::fill(photo.values.values.begin(), photo.values.values.end(), 1.0F);
  for (const Plane& plane : developed(photo, {})) EXPECT_NEAR(plane.row(20)[20], 1.0, 1e-5);
}

TEST(Develop, TurnsUpright) {
  Rgb rgb = flat(40, 60, {0.1F, 0.1F, 0.1F});
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 20; ++y) std::fill_n(rgb[c].row(y), 30, 0.8F);  // the sensor's top left is bright
  }
  RawPhoto photo = photo_of(rgb, MosaicPattern::bayer("RGGB"));
  struct Case {
    int orientation;
    int64_t y, x;  // where the bright corner goes
  };
  // EXIF: 3 half a turn, 6 a quarter clockwise, 8 a quarter anticlockwise.
  for (const Case& turn : {Case{1, 5, 5}, Case{3, 34, 54}, Case{6, 5, 34}, Case{8, 54, 5}}) {
    photo.orientation = turn.orientation;
    const Rgb made = developed(photo, {.space = ColorSpace::kLinearSrgb});
    EXPECT_NEAR(made[1].row(turn.y)[turn.x], 0.8, 1e-3) << turn.orientation;
    const int64_t y = made[1].height - 1 - turn.y;
    EXPECT_NEAR(made[1].row(y)[made[1].width - 1 - turn.x], 0.1, 1e-3) << turn.orientation;  // the opposite corner
  }
}

TEST(Develop, StripsDoNotShow) {
  for (const MosaicPattern& pattern : {MosaicPattern::bayer("GBRG"), MosaicPattern::xtrans()}) {
    const RawPhoto photo = photo_of(test::scene(620, 40), pattern);
    const Rgb made = developed(photo, {.space = ColorSpace::kLinearSrgb});
    const RootCurve curve({});
    Mosaic mosaic{photo.values, pattern, {}};
    for (float& value : mosaic.values.values) value = curve.root(value);
    const Rgb whole = demosaic(mosaic);
    for (int64_t y = 400; y < 560; ++y) {
      for (int64_t x = 0; x < 40; ++x) {
        const float wanted = std::clamp(curve.linear(whole[0].row(y)[x]), 0.0F, 1.0F);
        ASSERT_NEAR(made[0].row(y)[x], wanted, 1e-5) << y;
      }
    }
  }
}

TEST(RootCurve, ThereAndBack) {
  for (const NoiseModel& noise : {NoiseModel{}, NoiseModel{0.001, 0.004}, NoiseModel{0.0, 0.01}}) {
    const RootCurve curve(noise);
    EXPECT_NEAR(curve.root(0.0F), 0.0, 1e-6);
    EXPECT_NEAR(curve.root(1.0F), 1.0, 1e-6);
    float before = -100.0F;
    for (float x = -0.3F; x <= 1.2F; x += 0.01F) {
      EXPECT_GT(curve.root(x), before);
      before = curve.root(x);
      EXPECT_NEAR(curve.linear(curve.root(x)), x, 2e-5);
    }
  }
}

// The curve makes noise that grows with the signal the same everywhere.
TEST(RootCurve, StabilisesNoise) {
  const NoiseModel noise{0.002, 0.005};
  const NoiseCurve behind = RootCurve(noise).noise_behind(noise, 1.0);
  for (const float value : {0.3F, 0.6F, 0.9F}) EXPECT_NEAR(behind.sigma(value) / behind.sigma(0.5F), 1.0, 0.02);
  EXPECT_NEAR(behind.sigma(0.05F) / behind.sigma(0.5F), 1.0, 0.1);
}

// Dark flats keep their mean through roots and denoising.
TEST(Develop, NoiseDoesNotDarken) {
  const NoiseModel noise{0.004, 0.004};
  RawPhoto photo = photo_of(flat(120, 160, {0.05F, 0.05F, 0.05F}), MosaicPattern::bayer("RGGB"));
  test::add_noise(photo.values, NoiseCurve(noise), 5);
  const Rgb made = developed(photo, {.space = ColorSpace::kLinearSrgb, .noise = noise});
  double sum = 0.0;
  for (const float value : made[1].values) sum += value;
  EXPECT_NEAR(sum / static_cast<double>(made[1].values.size()), 0.05, 0.0007);
}

// With noise found in the values themselves, the default is nearer to the truth than linear interpolation.
TEST(Develop, BeatsBilinearWithNoiseFoundInTheValues) {
  const Rgb truth = test::scene(240, 320);
  for (const MosaicPattern& pattern : {MosaicPattern::bayer("RGGB"), MosaicPattern::xtrans()}) {
    RawPhoto photo = photo_of(truth, pattern);
    test::add_noise(photo.values, NoiseCurve(NoiseModel{0.001, 0.01}), 6);
    DevelopOptions ours{.space = ColorSpace::kLinearSrgb};
    ours.noise = fit_noise(photo.values, pattern);
    DevelopOptions bilinear{.space = ColorSpace::kLinearSrgb, .on_roots = false, .demosaicing = demosaic_bilinear};
    EXPECT_GT(test::cpsnr(developed(photo, ours), truth), test::cpsnr(developed(photo, bilinear), truth) + 1.0)
        << pattern.name();
  }
}

}  // namespace
}  // namespace zsr::raw
