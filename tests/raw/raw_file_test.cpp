#include "raw/raw_file.h"

#include "core/error.h"
#include "tests/raw/test_scene.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace zsr::raw {
namespace {

namespace fs = std::filesystem;

std::string message_of(const std::string& bytes, const RawLimits& limits = {}) {
  try {
    read_raw_bytes(bytes, "shot.dng", limits);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

// The bytes with the value of `tag` (16 or 32 bits, one value) of the first directory replaced.
std::string with_tag(std::string bytes, uint16_t tag, uint32_t value) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const size_t count = at(8) + 256U * at(9);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = 10 + 12 * i;
    if (at(entry) + 256U * at(entry + 1) != tag) continue;
    for (size_t k = 0; k < 4; ++k) bytes[entry + 8 + k] = static_cast<char>(value >> (8 * k));
    return bytes;
  }
  ADD_FAILURE() << "no tag " << tag;
  return bytes;
}

TEST(RawFile, DngKeepsEverything) {
  for (const MosaicPattern& pattern :
       {MosaicPattern::bayer("GBRG"), MosaicPattern::bayer("RGGB"), MosaicPattern::xtrans()}) {
    DngOptions options;
    options.pattern = pattern;
    options.black = 512;
    options.white = 16383;
    options.white_balance = {2.125, 1.0, 1.5};
    options.orientation = 6;
    options.shot = {.make = "Maker",
                    .model = "Model 1",
                    .artist = "A. Nobody",
                    .time = "2024:05:06 07:08:09",
                    .exposure_s = 0.008,
                    .aperture = 5.6,
                    .focal_length_mm = 35.0,
                    .iso = 400.0};
    const Plane values = mosaic_of(test::scene(60, 72), pattern);
    const RawPhoto photo = read_raw_bytes(dng_bytes(values, options), "shot.dng");
    ASSERT_EQ(photo.values.height, 60);
    ASSERT_EQ(photo.values.width, 72);
    EXPECT_EQ(photo.pattern, pattern);
    for (size_t i = 0; i < values.values.size(); ++i)
      ASSERT_NEAR(photo.values.values[i], values.values[i], 0.51 / 15871);
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(photo.white_balance[c], options.white_balance[c], 1e-4);
    // Its colours are those of linear sRGB.
    for (size_t i = 0; i < 3; ++i) {
      for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(photo.camera_to_srgb[i][k], i == k ? 1.0 : 0.0, 2e-3);
    }
    EXPECT_EQ(photo.orientation, 6);
    EXPECT_EQ(photo.shot.make, "Maker");
    EXPECT_EQ(photo.shot.model, "Model 1");
    EXPECT_EQ(photo.shot.artist, "A. Nobody");
    EXPECT_EQ(photo.shot.time, "2024:05:06 07:08:09");
    EXPECT_NEAR(photo.shot.exposure_s, 0.008, 1e-6);
    EXPECT_NEAR(photo.shot.aperture, 5.6, 1e-5);
    EXPECT_NEAR(photo.shot.focal_length_mm, 35.0, 1e-4);
    EXPECT_NEAR(photo.shot.iso, 400.0, 1e-3);
  }
}

TEST(RawFile, DamageIsOneClearLine) {
  const Plane values = mosaic_of(test::scene(64, 64), MosaicPattern::bayer("RGGB"));
  const std::string good = dng_bytes(values, {});
  ASSERT_EQ(message_of(good), "accepted");
  EXPECT_NE(message_of("").find("empty"), std::string::npos);
  for (const size_t size : {good.size() - 2, good.size() / 2, good.size() - 4000, size_t{400}, size_t{9}}) {
    const std::string message = message_of(good.substr(0, size));
    EXPECT_NE(message.find("cut short"), std::string::npos) << size << ": " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_EQ(message.find("'shot.dng'"), 0U);
  }
  EXPECT_NE(message_of(std::string(5000, 'x')).find("not a camera raw file"), std::string::npos);
}

TEST(RawFile, WhatCannotBeDevelopedIsNamed) {
  const Plane values = mosaic_of(test::scene(64, 64), MosaicPattern::bayer("RGGB"));
  const std::string good = dng_bytes(values, {});
  EXPECT_NE(message_of(with_tag(good, 262, 34892)).find("demosaiced already"), std::string::npos)
      << message_of(with_tag(good, 262, 34892));
  EXPECT_NE(message_of(with_tag(good, 33422, 0x01010101)).find("mosaic"), std::string::npos)
      << message_of(with_tag(good, 33422, 0x01010101));
  EXPECT_NE(message_of(with_tag(good, 50717, 3)).find("leave no range"), std::string::npos)
      << message_of(with_tag(good, 50717, 3));
  EXPECT_NE(message_of(with_tag(good, 50714, 65535)).find("leave no range"), std::string::npos);
  EXPECT_NE(message_of(good, {.max_pixels = 4000}).find("--max-pixels"), std::string::npos);
}

TEST(RawFile, MissingFileIsNamed) {
  EXPECT_THROW(read_raw("/nowhere/shot.dng"), IoError);
}

TEST(RawFile, DngRefusesWhatCannotBe) {
  const Plane values(16, 16);
  EXPECT_THROW(dng_bytes(values, {.black = 100, .white = 100}), OptionError);
  EXPECT_THROW(dng_bytes(values, {.white = 70000}), OptionError);
  EXPECT_THROW(dng_bytes(values, {.white_balance = {0.5, 1.0, 1.0}}), OptionError);
  EXPECT_THROW(dng_bytes(values, {.orientation = 9}), OptionError);
  EXPECT_THROW(dng_bytes(Plane(), {}), OptionError);
}

// LibRaw's demosaicing gives the same levels and white balance as ours.
TEST(RawFile, AhdHasTheSameLevels) {
  Rgb rgb{Plane(64, 64), Plane(64, 64), Plane(64, 64)};
  const std::array<float, 3> color{0.2F, 0.4F, 0.3F};
  for (size_t c = 0; c < 3; ++c) std::fill(rgb[c].values.begin(), rgb[c].values.end(), color[c]);
  const MosaicPattern pattern = MosaicPattern::bayer("RGGB");
  const fs::path path = fs::temp_directory_path() / "zsr_ahd_test.dng";
  write_dng(path, mosaic_of(rgb, pattern),
            {.pattern = pattern, .black = 256, .white = 4095, .white_balance = {2, 1, 1.5}}, Overwrite::kYes);
  const Rgb made = demosaic_ahd(path);
  fs::remove(path);
  const std::array<float, 3> wanted{0.4F, 0.4F, 0.45F};
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(made[c].row(30)[30], wanted[c], 2e-3);
}

}  // namespace
}  // namespace zsr::raw
