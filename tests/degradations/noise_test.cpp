#include "degradations/noise.h"

#include "core/error.h"
#include "core/normal_field.h"
#include "core/sha256.h"
#include "degradations/compression.h"
#include "degradations/estimation/estimate.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

using test::max_difference;

torch::Tensor gray(double value, int64_t side = 256) {
  return torch::full({1, 3, side, side}, value, torch::kFloat32);
}

double level_of(const torch::Tensor& noise) {
  return noise.std().item<double>() * 255.0;
}

TEST(NormalField, HasTheMomentsOfANormalDistribution) {
  constexpr int64_t kCount = 1'000'003;
  torch::Tensor field = torch::empty({kCount});
  fill_normal(7, field.data_ptr<float>(), kCount);
  field = field.to(torch::kFloat64);
  EXPECT_NEAR(field.mean().item<double>(), 0.0, 4.0 / std::sqrt(kCount));
  EXPECT_NEAR(field.square().mean().item<double>(), 1.0, 4.0 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(field.pow(3).mean().item<double>(), 0.0, 4.0 * std::sqrt(15.0 / kCount));
  EXPECT_NEAR(field.pow(4).mean().item<double>(), 3.0, 4.0 * std::sqrt(96.0 / kCount));
  for (const double limit : {1.0, 2.0, 3.0}) {
    const double inside = field.abs().lt(limit).to(torch::kFloat64).mean().item<double>();
    EXPECT_NEAR(inside, std::erf(limit / std::sqrt(2.0)), 0.0015);
  }
  // Neighbours, and numbers one vector apart, have nothing to do with each other.
  for (const int64_t lag : {1, 15, 16, 17, 32}) {
    const double correlation = (field.slice(0, lag) * field.slice(0, 0, kCount - lag)).mean().item<double>();
    EXPECT_NEAR(correlation, 0.0, 0.005) << lag;
  }
}

TEST(NormalField, FollowsItsSeedAndPrefixesAgree) {
  std::vector<float> a(100);
  std::vector<float> b(1000);
  std::vector<float> c(100);
  fill_normal(1, a.data(), 100);
  fill_normal(1, b.data(), 1000);
  fill_normal(2, c.data(), 100);
  EXPECT_EQ(a, std::vector<float>(b.begin(), b.begin() + 100));
  EXPECT_NE(a, c);
}

TEST(Noise, GaussianHasItsLevelAndColour) {
  const torch::Tensor image = gray(0.5);
  for (const double level : {2.0, 25.0}) {
    const torch::Tensor color = add_gaussian_noise(image, level, NoiseColor::kColor, 1) - image;
    EXPECT_NEAR(level_of(color), level, 0.02 * level);
    const torch::Tensor shared = add_gaussian_noise(image, level, NoiseColor::kGray, 1) - image;
    EXPECT_NEAR(level_of(shared), level, 0.02 * level);
    EXPECT_LT(max_difference(shared.select(1, 0), shared.select(1, 2)), 1e-7);
    EXPECT_GT(max_difference(color.select(1, 0), color.select(1, 2)), level / 255.0);
  }
}

TEST(Noise, CorrelatedChannelsHaveTheCovariance) {
  const std::array<double, 9> covariance = {100, 40, 10, 40, 64, -8, 10, -8, 25};
  const torch::Tensor image = gray(0.5);
  const torch::Tensor noise =
      (add_gaussian_noise(image, 0.0, NoiseColor::kCorrelated, 3, covariance) - image).view({3, -1}).mul(255.0);
  const torch::Tensor measured = torch::matmul(noise, noise.t()) / static_cast<double>(noise.size(1));
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(measured[i / 3][i % 3].item<double>(), covariance[static_cast<size_t>(i)], 2.0);
  }
  EXPECT_THROW(add_gaussian_noise(image, 0.0, NoiseColor::kCorrelated, 3, {1, 2, 0, 2, 1, 0, 0, 0, 1}), OptionError);
}

TEST(Noise, SpeckleGrowsWithTheSignal) {
  const torch::Tensor dark = add_speckle(gray(0.2), 20.0, NoiseColor::kColor, 1) - gray(0.2);
  const torch::Tensor light = add_speckle(gray(0.6), 20.0, NoiseColor::kColor, 1) - gray(0.6);
  EXPECT_NEAR(level_of(dark), 4.0, 0.1);
  EXPECT_NEAR(level_of(light), 12.0, 0.3);
}

// Mean kept, variance = signal / photons, at small and at large means (two ways of drawing).
TEST(Noise, PoissonHasThePhotonsVariance) {
  for (const double photons : {20.0, 4000.0}) {
    for (const double level : {51.0, 153.0}) {
      const double signal = level / 255.0;
      const torch::Tensor image = gray(signal, 200);
      const torch::Tensor noise = add_poisson_noise(image, photons, 1.0, NoiseColor::kColor, 5) - image;
      const bool clips = signal + 3.0 * std::sqrt(signal / photons) > 1.0 || signal < 3.0 * std::sqrt(signal / photons);
      if (clips) continue;
      const double deviation = std::sqrt(signal / photons);
      EXPECT_NEAR(noise.mean().item<double>(), 0.0, 4.0 * deviation / std::sqrt(120000.0));
      EXPECT_NEAR(noise.std().item<double>(), deviation, 0.02 * deviation);
    }
  }
  const torch::Tensor image = gray(0.4, 64);
  const torch::Tensor shared = add_poisson_noise(image, 500.0, 1.0, NoiseColor::kGray, 5) - image;
  EXPECT_LT(max_difference(shared.select(1, 0), shared.select(1, 1)), 1e-6);
}

TEST(Noise, DistinctLevelsAreCountedUpToAPowerOfTwo) {
  torch::Tensor image = torch::arange(100, torch::kFloat32).div(255.0).view({1, 1, 10, 10});
  EXPECT_EQ(distinct_levels(image, NoiseColor::kColor), 128.0);
  EXPECT_EQ(distinct_levels(image.slice(2, 0, 1), NoiseColor::kColor), 16.0);
}

TEST(Noise, CameraNoiseGrowsWithShotAndKeepsTheMean) {
  const torch::Tensor image = test::texture(3, 128, 128).to(torch::kFloat32).mul(0.5).add(0.25);
  const torch::Tensor clean = add_camera_noise(image, 0.0, 0.0, 1);
  EXPECT_LT((clean - image).abs().mean().item<double>(), 0.02);  // the mosaic alone
  const double quiet = (add_camera_noise(image, 1e-4, 1e-3, 1) - clean).std().item<double>();
  const double loud = (add_camera_noise(image, 1e-2, 1e-2, 1) - clean).std().item<double>();
  EXPECT_GT(loud, 5.0 * quiet);
  EXPECT_NEAR((add_camera_noise(image, 1e-3, 1e-3, 1) - clean).mean().item<double>(), 0.0, 2e-3);
  const torch::Tensor flat = gray(0.5, 64);
  EXPECT_LT(max_difference(add_camera_noise(flat, 0.0, 0.0, 1), flat), 1e-4);
}

TEST(Noise, SharpeningRaisesEdgesAndLeavesFlatParts) {
  torch::Tensor step = torch::full({1, 1, 80, 80}, 0.3F);
  step.slice(3, 40).fill_(0.7F);
  const torch::Tensor sharp = sharpen(step, 0.5, 50, 10.0);
  EXPECT_GT(sharp[0][0][40][41].item<double>(), 0.75);
  EXPECT_LT(sharp[0][0][40][38].item<double>(), 0.25);
  EXPECT_LT(max_difference(sharpen(gray(0.5, 64), 0.5, 50, 10.0), gray(0.5, 64)), 1e-6);
}

TEST(Compression, JpegIsWhatOpenCvMakesOfTheBytes) {
  const torch::Tensor image = test::random_bytes(3, 40, 56).to(torch::kFloat32);
  cv::Mat bytes(40, 56, CV_8UC3);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 56; ++x) {
      for (int c = 0; c < 3; ++c) {
        bytes.at<cv::Vec3b>(y, x)[2 - c] = static_cast<uint8_t>(std::lround(image[0][c][y][x].item<double>() * 255.0));
      }
    }
  }
  std::vector<uint8_t> file;
  cv::imencode(".jpg", bytes, file, {cv::IMWRITE_JPEG_QUALITY, 60});
  const cv::Mat decoded = cv::imdecode(file, cv::IMREAD_COLOR);
  const torch::Tensor got = jpeg_round_trip(image, 60);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 56; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_EQ(std::lround(got[0][c][y][x].item<double>() * 255.0), decoded.at<cv::Vec3b>(y, x)[2 - c]);
      }
    }
  }
  EXPECT_EQ(jpeg_round_trip(test::random_bytes(1, 20, 20).to(torch::kFloat32), 60).size(1), 1);
  EXPECT_THROW(jpeg_round_trip(image, 0), OptionError);
}

TEST(Compression, BetterQualityIsNearer) {
  const torch::Tensor image = test::texture(3, 64, 64).to(torch::kFloat32);
  for (const auto round_trip : {jpeg_round_trip, webp_round_trip}) {
    const auto error = [&](int64_t quality) {
      return (round_trip(image, quality) - image).square().mean().item<double>();
    };
    EXPECT_LT(error(95), 0.5 * error(20));
    EXPECT_LT(error(95), 1e-3);
  }
}

TEST(EstimateNoise, FindsTheLevelThatWasAdded) {
  const torch::Tensor clean = test::texture(3, 200, 220).to(torch::kFloat32).mul(0.7).add(0.15);
  EXPECT_LT(estimate_noise(clean), 1.0);
  for (const double level : {3.0, 10.0, 30.0}) {
    const double found = estimate_noise(add_gaussian_noise(clean, level, NoiseColor::kColor, 2));
    EXPECT_NEAR(found, level, 0.06 * level + 0.2);
  }
  EXPECT_THROW(estimate_noise(clean.slice(2, 0, 8)), OptionError);
}

TEST(EstimateJpeg, TablesOfAFileTellItsQuality) {
  const test::TempDir dir;
  for (const int quality : {1, 30, 49, 50, 75, 93, 100}) {
    std::vector<uint8_t> file;
    cv::imencode(".jpg", cv::Mat(32, 32, CV_8UC3, cv::Scalar(10, 90, 200)), file, {cv::IMWRITE_JPEG_QUALITY, quality});
    test::write_bytes(dir / "a.jpg", std::string(file.begin(), file.end()));
    const auto estimate = jpeg_quality_of_file(dir / "a.jpg");
    ASSERT_TRUE(estimate.has_value());
    EXPECT_EQ(estimate->quality, quality);
    EXPECT_TRUE(estimate->from_tables);
  }
  test::write_bytes(dir / "b.png", "\x89PNG....");
  EXPECT_FALSE(jpeg_quality_of_file(dir / "b.png").has_value());
  test::write_bytes(dir / "cut.jpg", std::string("\xFF\xD8\xFF\xDB\x00\x43\x00", 7));
  EXPECT_FALSE(jpeg_quality_of_file(dir / "cut.jpg").has_value());
}

// A picture that was a JPEG, cropped off its grid and saved without loss.
TEST(EstimateJpeg, PixelsTellQualityAndGrid) {
  const torch::Tensor image =
      add_gaussian_noise(test::texture(3, 320, 320).to(torch::kFloat32), 6.0, NoiseColor::kColor, 3);
  for (const int64_t quality : {30, 50, 70, 85}) {
    const torch::Tensor decoded = jpeg_round_trip(image, quality).slice(2, 3).slice(3, 5);
    const auto estimate = jpeg_quality_of_pixels(decoded);
    ASSERT_TRUE(estimate.has_value()) << quality;
    EXPECT_NEAR(static_cast<double>(estimate->quality), static_cast<double>(quality), 2.0);
    EXPECT_EQ(estimate->offset_y, 5);
    EXPECT_EQ(estimate->offset_x, 3);
    EXPECT_FALSE(estimate->from_tables);
  }
  EXPECT_FALSE(jpeg_quality_of_pixels(image).has_value());
}

TEST(Sha256, MatchesThePublishedExample) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const test::TempDir dir;
  test::write_bytes(dir / "a", std::string(200000, 'x'));
  EXPECT_EQ(sha256_of_file(dir / "a"), sha256(std::string(200000, 'x')));
  EXPECT_THROW(sha256_of_file(dir / "none"), IoError);
}

}  // namespace
}  // namespace zsr
