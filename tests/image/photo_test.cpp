#include "image/photo.h"

#include "core/error.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fcntl.h>
#include <unistd.h>

namespace zsr {
namespace {

using test::max_difference;
using test::TempDir;

Photo make_photo(int64_t channels, bool alpha, int bit_depth, int64_t height = 9, int64_t width = 13) {
  Photo photo;
  const double peak = bit_depth == 16 ? 65535.0 : 255.0;
  photo.color =
      torch::rand({1, channels, height, width}, torch::kFloat64).mul(peak).round().div(peak).to(torch::kFloat32);
  if (alpha)
    photo.alpha = torch::rand({1, 1, height, width}, torch::kFloat64).mul(peak).round().div(peak).to(torch::kFloat32);
  photo.bit_depth = bit_depth;
  return photo;
}

// Lossless formats give back every sample, at every depth they hold.
TEST(Photo, LosslessFormatsRoundTrip) {
  const TempDir dir;
  int count = 0;
  for (const ImageFormat format :
       {ImageFormat::kPng, ImageFormat::kTiff, ImageFormat::kPnm, ImageFormat::kBmp, ImageFormat::kWebp}) {
    for (const int bit_depth : {8, 16}) {
      for (const int64_t channels : {1, 3}) {
        for (const bool alpha : {false, true}) {
          if (bit_depth > max_bit_depth(format) || (alpha && !holds_alpha(format))) continue;
          if (format == ImageFormat::kBmp && alpha && channels == 1) continue;  // becomes RGB + alpha
          if (format == ImageFormat::kWebp && channels == 1) continue;          // WebP has no gray
          Photo photo = make_photo(channels, alpha, bit_depth);
          if (format == ImageFormat::kWebp && alpha)
            photo.alpha.clamp_min_(26.0 / 255.0);  // hidden colours are not kept
          const auto path = dir / (std::to_string(count++) + "." + to_string(format));
          WriteOptions options{.format = format};
          options.encode.quality = 100;
          save_photo(photo, path, options);
          const Photo back = load_photo(path);
          EXPECT_EQ(back.bit_depth, bit_depth) << path;
          EXPECT_EQ(back.format, format);
          EXPECT_LT(max_difference(back.color, photo.color), 1e-6) << path;
          ASSERT_EQ(back.alpha.defined(), alpha) << path;
          if (alpha) {
            EXPECT_LT(max_difference(back.alpha, photo.alpha), 1e-6) << path;
          }
        }
      }
    }
  }
  EXPECT_GE(count, 18);
}

TEST(Photo, JpegIsCloseAndKeepsGray) {
  const TempDir dir;
  for (const int64_t channels : {1, 3}) {
    Photo photo;
    photo.color = test::texture(channels, 32, 48).to(torch::kFloat32);
    const auto path = dir / (std::to_string(channels) + ".jpg");
    save_photo(photo, path, {.format = ImageFormat::kJpeg});
    const Photo back = load_photo(path);
    EXPECT_EQ(back.color.size(1), channels);
    EXPECT_LT(max_difference(back.color, photo.color), 0.06);
  }
}

TEST(Photo, SixteenBitsBecomeEightByRoundingNotClipping) {
  const TempDir dir;
  Photo photo;
  photo.color = torch::full({1, 1, 4, 4}, 1000.0 / 65535.0);
  photo.bit_depth = 16;
  save_photo(photo, dir / "a.bmp", {.format = ImageFormat::kBmp});
  EXPECT_NEAR(load_photo(dir / "a.bmp").color.max().item<float>() * 255.0F, 4.0F, 1e-3);
}

TEST(Photo, ReadsByContentNotByName) {
  const TempDir dir;
  const Photo photo = make_photo(3, false, 8);
  save_photo(photo, dir / "wrong.jpg", {.format = ImageFormat::kPng});
  const Photo back = load_photo(dir / "wrong.jpg");
  EXPECT_EQ(back.format, ImageFormat::kPng);
  EXPECT_LT(max_difference(back.color, photo.color), 1e-6);
}

TEST(Photo, EveryTruncationIsRefusedOrWhole) {
  const TempDir dir;
  const Photo photo = make_photo(3, false, 8, 40, 50);
  // A decoder's error must not get lost between threads, so each cut is tried again and again.
  constexpr int kTimes = 8;
  for (const ImageFormat format : {ImageFormat::kPng, ImageFormat::kJpeg, ImageFormat::kTiff, ImageFormat::kWebp,
                                   ImageFormat::kPnm, ImageFormat::kBmp}) {
    const auto path = dir / ("whole." + to_string(format));
    save_photo(photo, path, {.format = format});
    const std::string bytes = test::read_bytes(path);
    int refused = 0;
    constexpr int kCuts = 12;
    for (int cut = 1; cut <= kCuts; ++cut) {
      const auto cut_path = dir / ("cut." + to_string(format));
      test::write_bytes(cut_path, bytes.substr(0, bytes.size() * cut / (kCuts + 1)));
      for (int time = 0; time < kTimes; ++time) {
        try {
          load_photo(cut_path);
        } catch (const InputError& error) {
          EXPECT_NE(std::string(error.what()).find("cut."), std::string::npos);
          ++refused;
        }
      }
    }
    EXPECT_EQ(refused, kCuts * kTimes) << to_string(format);
  }
}

TEST(Photo, LimitsAreCheckedOnTheHeader) {
  const TempDir dir;
  // A PNG header that claims 60000 x 60000 and nothing behind it.
  const std::string header("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\xEA\x60\0\0\xEA\x60\x08\x02\0\0\0", 29);
  Photo small = make_photo(3, false, 8);
  save_photo(small, dir / "a.png", {.format = ImageFormat::kPng});
  try {
    load_photo(dir / "a.png", {.max_pixels = 116});
    FAIL() << "117 pixels passed a limit of 116";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("--max-pixels"), std::string::npos);
  }
  EXPECT_NO_THROW(load_photo(dir / "a.png", {.max_pixels = 117}));
  test::write_bytes(dir / "bomb.png", header + std::string(4, '\0'));
  EXPECT_THROW(load_photo(dir / "bomb.png"), InputError);
}

TEST(Photo, RefusesAlphaInJpeg) {
  const TempDir dir;
  EXPECT_THROW(save_photo(make_photo(3, true, 8), dir / "a.jpg", {.format = ImageFormat::kJpeg}), OptionError);
  EXPECT_TRUE(dir.names().empty());
}

TEST(BleedColor, HiddenPixelsTakeTheirNeighboursColour) {
  torch::Tensor color = torch::zeros({1, 3, 8, 8});
  torch::Tensor alpha = torch::zeros({1, 1, 8, 8});
  color.slice(3, 0, 4).fill_(0.8);  // a bright visible half
  alpha.slice(3, 0, 4).fill_(1.0);  // beside hidden black
  const torch::Tensor filled = bleed_color(color, alpha);
  EXPECT_LT(max_difference(filled, torch::full_like(color, 0.8)), 1e-5);
}

TEST(BleedColor, VisiblePixelsStay) {
  const torch::Tensor color = torch::rand({1, 3, 13, 7});
  torch::Tensor alpha = (torch::rand({1, 1, 13, 7}) > 0.5).to(torch::kFloat32);
  const torch::Tensor filled = bleed_color(color, alpha);
  EXPECT_EQ(((filled - color).abs() * alpha).max().item<float>(), 0.0F);
  EXPECT_TRUE(torch::isfinite(filled).all().item<bool>());
  EXPECT_TRUE(torch::isfinite(bleed_color(color, torch::zeros_like(alpha))).all().item<bool>());
}

TEST(Quantize, RoundsHalfUpAndSaturates) {
  const torch::Tensor levels = torch::tensor({-3.0, 0.4, 0.5, 254.5, 300.0}, torch::kFloat64);
  const torch::Tensor want = torch::tensor({0.0, 0.0, 1.0, 255.0, 255.0}, torch::kFloat64);
  EXPECT_LT(max_difference(quantize(levels / 255.0 + 1e-15) * 255.0, want), 1e-9);
}

}  // namespace
}  // namespace zsr
