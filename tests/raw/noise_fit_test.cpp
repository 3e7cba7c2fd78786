#include "raw/noise_fit.h"

#include "tests/raw/test_scene.h"

#include <gtest/gtest.h>

namespace zsr::raw {
namespace {

// A scene of all brightnesses, most of it smooth, as photos are.
Plane ramp_with_texture(const MosaicPattern& pattern) {
  Rgb rgb = test::scene(480, 640);
  for (Plane& plane : rgb) {
    for (int64_t y = 0; y < plane.height; ++y) {
      for (int64_t x = 0; x < plane.width; ++x) {
        const float smooth = 0.02F + 0.8F * static_cast<float>(x) / 640.0F;
        if (y % 160 >= 60) plane.row(y)[x] = smooth;
      }
    }
  }
  return mosaic_of(rgb, pattern);
}

TEST(FitNoise, FindsGainAndReadNoise) {
  for (const MosaicPattern& pattern : {MosaicPattern::bayer("RGGB"), MosaicPattern::xtrans()}) {
    for (const NoiseModel& model : {NoiseModel{0.004, 0.01}, NoiseModel{0.0004, 0.002}, NoiseModel{0.0, 0.02}}) {
      Plane values = ramp_with_texture(pattern);
      test::add_noise(values, NoiseCurve(model), 7);
      const NoiseModel found = fit_noise(values, pattern);
      for (const double level : {0.05, 0.3, 0.8}) {
        EXPECT_NEAR(found.sigma(level) / model.sigma(level), 1.0, 0.12)
            << pattern.name() << " gain " << model.gain << " read " << model.read << " at " << level;
      }
    }
  }
}

TEST(FitNoise, NoNoiseIsNone) {
  Plane values(128, 128);
  std::fill(values.values.begin(), values.values.end(), 0.3F);
  EXPECT_LT(fit_noise(values, MosaicPattern::bayer("RGGB")).sigma(0.5), 1e-5);
  EXPECT_FALSE(fit_noise(Plane(20, 20), MosaicPattern::bayer("RGGB")).any());
}

}  // namespace
}  // namespace zsr::raw
