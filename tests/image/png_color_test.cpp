#include "image/png_color.h"

#include "image/metadata_table.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <zlib.h>

namespace zsr {
namespace {

using test::TempDir;

std::string four(uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
          static_cast<char>(value)};
}

std::string colour_chunk(const std::string& type, const std::vector<uint32_t>& numbers) {
  std::string summed = type;
  for (const uint32_t number : numbers) summed += four(number);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size()));
  return four(static_cast<uint32_t>(4 * numbers.size())) + summed + four(static_cast<uint32_t>(sum));
}

// Adobe RGB (1998): gamma 563/256 and its primaries.
const std::vector<uint32_t> kAdobe{31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000};

void write_png(const std::filesystem::path& path, const torch::Tensor& color, const std::string& chunks) {
  Photo photo;
  photo.color = color;
  save_photo(photo, path, {.overwrite = Overwrite::kYes});
  test::write_bytes(path, with_png_chunks(test::read_bytes(path), chunks));
}

TEST(PngColor, AdobeRgbBecomesSrgb) {
  // Expected values by the published matrices of Adobe RGB and sRGB (Lindbloom), in double precision.
  const auto color = png_color(colour_chunk("gAMA", {45473}) + colour_chunk("cHRM", kAdobe));
  ASSERT_TRUE(color);
  const PixelBuffer pixels{3, 1, 3, 8, {200, 100, 50, 60, 120, 180, 128, 128, 128}};
  const PixelBuffer made = converted_to_srgb(pixels, *color);
  const std::vector<int> expected{227, 100, 42, 0, 121, 184, 129, 129, 129};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(made.bytes[i], expected[i], 1) << i;
}

TEST(PngColor, LinearLightIsBrighterAsSrgb) {
  const TempDir dir;
  const std::string linear = colour_chunk("gAMA", {100000});
  for (const int64_t channels : {1, 3}) {
    for (const int depth : {8, 16}) {
      write_png(dir / "a.png", torch::full({1, channels, 5, 6}, 0.2), linear);
      Photo photo = load_photo(dir / "a.png");
      photo.bit_depth = depth;
      photo.alpha = torch::full({1, 1, 5, 6}, 0.4);
      save_photo(photo, dir / "b.tif", {.format = ImageFormat::kTiff, .overwrite = Overwrite::kYes});
      save_photo(photo, dir / "b.png", {.encode = {.strip = true}, .overwrite = Overwrite::kYes});
      const double light = 1.055 * std::pow(51.0 / 255.0, 1.0 / 2.4) - 0.055;
      for (const char* const name : {"b.tif", "b.png"}) {
        const Photo back = load_photo(dir / name);
        EXPECT_NEAR(back.color.mean().item<double>(), light, 0.002) << name << channels << depth;
        EXPECT_NEAR(back.alpha.mean().item<double>(), 0.4, 0.002);
      }
      EXPECT_EQ(test::read_bytes(dir / "b.png").find("gAMA"), std::string::npos);
      // A PNG keeps the numbers and says what they mean.
      save_photo(photo, dir / "c.png", {.overwrite = Overwrite::kYes});
      EXPECT_NEAR(load_photo(dir / "c.png").color.mean().item<double>(), 0.2, 0.002);
      EXPECT_NE(test::read_bytes(dir / "c.png").find(linear), std::string::npos);
    }
  }
}

TEST(PngColor, SrgbAndNonsenseChangeNothing) {
  EXPECT_FALSE(png_color(colour_chunk("sRGB", {}) + colour_chunk("gAMA", {100000})));
  EXPECT_FALSE(png_color(colour_chunk("gAMA", {45455})));
  EXPECT_FALSE(png_color(colour_chunk("gAMA", {0})));
  EXPECT_FALSE(png_color(colour_chunk("gAMA", {100000}).substr(0, 14)));
  EXPECT_FALSE(png_color(colour_chunk("gAMA", {100000}) + colour_chunk("cHRM", {1, 0, 1, 0, 1, 0, 1, 0})));
  EXPECT_FALSE(png_color(""));
}

TEST(PngColor, AResolutionCanBeStated) {
  const TempDir dir;
  Photo photo;
  photo.color = test::texture(3, 8, 9).to(torch::kFloat32);
  photo.metadata = with_resolution(nullptr, {300.0 / 25.4, 300.0 / 25.4});
  for (const char* const name : {"a.png", "a.jpg", "a.tif", "a.bmp"}) {
    save_photo(photo, dir / name, {.format = format_from_name(name)});
    EXPECT_NEAR(read_photo_header(dir / name).resolution.x * 25.4, 300.0, 0.1) << name;
    Photo again = load_photo(dir / name);
    again.metadata = with_resolution(again.metadata.get(), {4.0, 4.0});
    save_photo(again, dir / name, {.format = format_from_name(name), .overwrite = Overwrite::kYes});
    EXPECT_NEAR(read_photo_header(dir / name).resolution.x, 4.0, 0.02) << name;
  }
}

}  // namespace
}  // namespace zsr
