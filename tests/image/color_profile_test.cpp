// CMYK and embedded colour profiles, with files that libvips makes.
#include "image/color_profile.h"

#include "core/error.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <utility>

namespace zsr {
namespace {

using test::TempDir;

Photo soft_colors() {
  Photo photo;  // inside what paper can show
  photo.color = quantize(0.35 + 0.3 * test::texture(3, 24, 32).to(torch::kFloat32));
  return photo;
}

// The photo at `from` in the colours of libvips' profile `name`, with that profile or without.
void convert(const std::filesystem::path& from, const std::filesystem::path& to, const char* name, bool tagged) {
  start_vips();
  const ImagePtr image(vips_image_new_from_file(from.c_str(), nullptr));
  VipsImage* made = nullptr;
  ASSERT_EQ(vips_icc_transform(image.get(), &made, name, "input_profile", "srgb", nullptr), 0) << take_vips_error();
  const ImagePtr owner(made);
  if (!tagged) vips_image_remove(made, VIPS_META_ICC_NAME);
  const bool jpeg = to.extension() == ".jpg";
  ASSERT_EQ(jpeg ? vips_image_write_to_file(made, to.c_str(), "Q", 100, nullptr)
                 : vips_image_write_to_file(made, to.c_str(), nullptr),
            0)
      << take_vips_error();
}

// ICC 2.1, "GRAY": a power law.
std::string gray_profile(double gamma) {
  const auto big = [](uint32_t value) {
    return std::string{static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
                       static_cast<char>(value)};
  };
  const std::string white = "XYZ " + big(0) + big(0xF6D6) + big(0x10000) + big(0xD32D);
  const auto power = static_cast<uint32_t>(std::lround(gamma * 256.0));
  const std::string curve = "curv" + big(0) + big(1) + big(power << 16U);
  const std::string text = "desc" + big(0) + big(5) + std::string("gray\0", 5) + std::string(79, '\0');
  const std::string tags[] = {text, white, curve};
  const char* const names[] = {"desc", "wtpt", "kTRC"};
  uint32_t at = 128 + 4 + 3 * 12;
  std::string table = big(3);
  std::string data;
  for (size_t i = 0; i < 3; ++i) {
    std::string tag = tags[i];
    table += names[i] + big(at) + big(static_cast<uint32_t>(tag.size()));
    tag.resize((tag.size() + 3) / 4 * 4);
    at += static_cast<uint32_t>(tag.size());
    data += tag;
  }
  std::string head = big(at) + "lcms" + big(0x02100000) + "mntrGRAYXYZ " + std::string(12, '\0') + "acsp";
  head.resize(68);
  head += big(0xF6D6) + big(0x10000) + big(0xD32D);
  head.resize(128);
  return head + table + data;
}

TEST(Cmyk, IsReadAsSrgb) {
  const TempDir dir;
  const Photo photo = soft_colors();
  save_photo(photo, dir / "a.png", {});
  for (const auto& [name, tagged] : {std::pair{"a.jpg", true}, {"b.jpg", false}, {"a.tif", true}, {"b.tif", false}}) {
    convert(dir / "a.png", dir / name, "cmyk", tagged);
    const PhotoHeader header = read_photo_header(dir / name);
    EXPECT_TRUE(header.cmyk) << name;
    EXPECT_EQ(header.bands, 3) << name;
    const Photo back = load_photo(dir / name);
    EXPECT_LT(test::max_difference(back.color, photo.color), 0.06) << name;
    ASSERT_EQ(back.notes.size(), 1U) << name;
    EXPECT_NE(back.notes[0].find(tagged ? "its own profile" : "default profile"), std::string::npos) << back.notes[0];
    // The result is no CMYK and says nothing of it.
    save_photo(back, dir / "result.png", {.overwrite = Overwrite::kYes});
    EXPECT_EQ(read_photo_header(dir / "result.png").icc_bytes, 0U) << name;
    EXPECT_LT(test::max_difference(load_photo(dir / "result.png").color, back.color), 1e-6) << name;
  }
}

TEST(Strip, PixelsOfAProfileBecomeSrgb) {
  const TempDir dir;
  const Photo photo = soft_colors();
  save_photo(photo, dir / "a.png", {});
  convert(dir / "a.png", dir / "p3.png", "p3", true);
  const Photo wide = load_photo(dir / "p3.png");
  EXPECT_GT(test::max_difference(wide.color, photo.color), 2.5 / 255.0);
  save_photo(wide, dir / "kept.png", {});
  EXPECT_LT(test::max_difference(load_photo(dir / "kept.png").color, wide.color), 1e-6);
  EXPECT_GT(read_photo_header(dir / "kept.png").icc_bytes, 0U);
  for (const ImageFormat format : {ImageFormat::kPng, ImageFormat::kTiff, ImageFormat::kBmp}) {
    const auto path = dir / ("stripped." + to_string(format));
    save_photo(wide, path, {.format = format, .encode = {.strip = true}});
    EXPECT_LT(test::max_difference(load_photo(path).color, photo.color), 2.01 / 255.0) << path;
    EXPECT_EQ(read_photo_header(path).icc_bytes, 0U) << path;
  }
}

TEST(Strip, PixelsOfAnSrgbProfileStay) {
  const TempDir dir;
  const Photo photo = soft_colors();
  save_photo(photo, dir / "a.png", {});
  convert(dir / "a.png", dir / "srgb.png", "srgb", true);
  const Photo tagged = load_photo(dir / "srgb.png");
  save_photo(tagged, dir / "stripped.png", {.encode = {.strip = true}});
  EXPECT_EQ(test::max_difference(load_photo(dir / "stripped.png").color, tagged.color), 0.0);
}

TEST(Strip, GrayProfilesToo) {
  const std::string linear = gray_profile(1.0);
  for (const int bit_depth : {8, 16}) {
    for (const int bands : {1, 2}) {
      const int peak = bit_depth == 16 ? 65535 : 255;
      PixelBuffer pixels{3, 1, bands, bit_depth, {}};
      for (const double light : {0.0, 0.2158, 1.0}) {  // 0.2158 is sRGB's half
        const auto value = static_cast<uint16_t>(std::lround(light * peak));
        for (const uint16_t sample : {value, static_cast<uint16_t>(peak / 3)}) {
          if (bands == 1 && sample != value) continue;
          pixels.bytes.push_back(static_cast<uint8_t>(sample & 0xFFU));
          if (bit_depth == 16) pixels.bytes.push_back(static_cast<uint8_t>(sample >> 8U));
        }
      }
      const auto made = converted_to_srgb(pixels, linear);
      ASSERT_TRUE(made.has_value());
      ASSERT_EQ(made->bytes.size(), pixels.bytes.size());
      EXPECT_EQ(made->bands, bands);
      const auto sample = [&](const PixelBuffer& of, size_t index) {
        return bit_depth == 8 ? of.bytes[index] : of.bytes[2 * index] + 256 * of.bytes[2 * index + 1];
      };
      const auto step = static_cast<size_t>(bands);
      EXPECT_NEAR(sample(*made, 0), 0, peak / 255.0);
      EXPECT_NEAR(sample(*made, step), 0.5 * peak, peak / 128.0);
      EXPECT_NEAR(sample(*made, 2 * step), peak, peak / 255.0);
      if (bands == 2) {
        EXPECT_EQ(sample(*made, 1), sample(pixels, 1));
      }
    }
  }
  EXPECT_FALSE(converted_to_srgb({1, 1, 1, 8, {7}}, "no profile").has_value());
}

}  // namespace
}  // namespace zsr
