// The second picture of Ultra HDR photos: read, written, and refused where its file is not sound.
#include "image/gain_map.h"

#include "core/error.h"
#include "image/metadata_table.h"
#include "image/photo.h"
#include "image/resize.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>
#include <gmock/gmock.h>

namespace zsr {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kEnough = 1'000'000;

std::filesystem::path given_gain_map() {
  return std::filesystem::path(ZSR_SOURCE_DIR) / "tests/image/hdr_photos/gain_map.jpg";
}

std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>()};
}

TEST(GainMapFile, IsFoundByTheIndexOfPictures) {
  std::string problem;
  const auto map = read_gain_map(bytes_of_file(given_gain_map()), 1, kEnough, problem);
  ASSERT_TRUE(map.has_value()) << problem;
  EXPECT_EQ(map->pixels.width, 32);
  EXPECT_EQ(map->pixels.height, 24);
  EXPECT_EQ(map->pixels.bands, 1);
  EXPECT_THAT(map->xmp, HasSubstr("hdrgm:GainMapMax=\"2.5\""));
  EXPECT_NEAR(map->pixels.bytes[10], 70, 3);  // 7 times the column
  // Turned like the photo, to the right: what was left is on top.
  const auto turned = read_gain_map(bytes_of_file(given_gain_map()), 6, kEnough, problem);
  ASSERT_TRUE(turned.has_value());
  EXPECT_EQ(turned->pixels.width, 24);
  EXPECT_NEAR(turned->pixels.bytes[10 * 24], 70, 3);
}

TEST(GainMapFile, IsFoundByItsLengthWithoutIndex) {
  std::string bytes = bytes_of_file(given_gain_map());
  bytes.replace(bytes.find(std::string("MPF\0", 4)), 4, "none");
  std::string problem;
  EXPECT_TRUE(read_gain_map(bytes, 1, kEnough, problem).has_value()) << problem;
}

TEST(GainMapFile, OfStrangersHarmsNothing) {
  const std::string whole = bytes_of_file(given_gain_map());
  std::string problem;
  for (size_t size = 0; size < whole.size(); size += 7) {
    EXPECT_FALSE(read_gain_map(std::string_view(whole).substr(0, size), 1, kEnough, problem).has_value()) << size;
  }
  // Every byte in front of the pixels inverted, one by one.
  for (size_t at = 0; at < 1400; ++at) {
    std::string wrong = whole;
    wrong[at] = static_cast<char>(~wrong[at]);
    read_gain_map(wrong, 1, kEnough, problem);
  }
  // Offsets, lengths and counts of the index at their ends.
  const size_t index = whole.find(std::string("MPF\0", 4)) + 4;
  for (size_t at = index + 4; at + 4 <= index + 82; at += 2) {
    for (const char* const value : {"\xFF\xFF\xFF\xFF", "\xFF\xFF\xFF\x7F", "\0\0\0\x80"}) {
      std::string wrong = whole;
      wrong.replace(at, 4, std::string(value, 4));
      read_gain_map(wrong, 1, kEnough, problem);
    }
  }
  problem.clear();
  EXPECT_FALSE(read_gain_map(whole, 1, /*max_pixels=*/100, problem).has_value());
  EXPECT_THAT(problem, HasSubstr("32x24"));
}

TEST(GainMapFile, MissingMapIsSaid) {
  const std::string whole = bytes_of_file(given_gain_map());
  std::string problem;
  EXPECT_FALSE(read_gain_map(whole.substr(0, whole.size() - 200), 1, kEnough, problem).has_value());
  EXPECT_FALSE(problem.empty());
}

TEST(GainMapFile, IsWrittenWithIndexAndLengths) {
  std::string problem;
  auto map = read_gain_map(bytes_of_file(given_gain_map()), 1, kEnough, problem);
  ASSERT_TRUE(map.has_value());
  map->iso = std::string("urn:iso:std:iso:ts:21496:-1\0", 28) + std::string(40, '\1');
  PixelBuffer gray{20, 10, 3, 8, std::vector<uint8_t>(600, 77)};
  const std::string first = encode_to_memory(gray, nullptr, ImageFormat::kJpeg, {.quality = 90});
  const std::string made = with_gain_map(first, *map, 95);
  EXPECT_THAT(made, HasSubstr("Item:Semantic=\"GainMap\""));
  const auto again = read_gain_map(made, 1, kEnough, problem);
  ASSERT_TRUE(again.has_value()) << problem;
  EXPECT_EQ(again->xmp, map->xmp);
  EXPECT_EQ(again->iso, map->iso);
  EXPECT_EQ(again->pixels.width, 32);
  // The index says where the second picture begins, and the length in the XMP how long it is.
  std::string without_index = made;
  without_index.replace(without_index.find(std::string("MPF\0", 4)), 4, "none");
  EXPECT_TRUE(read_gain_map(without_index, 1, kEnough, problem).has_value()) << problem;
}

class GainMapPhoto : public testing::Test {
 protected:
  test::TempDir dir_;
};

TEST_F(GainMapPhoto, TravelsWithItsPhoto) {
  Photo photo = load_photo(given_gain_map());
  ASSERT_NE(photo.gain_map, nullptr);
  EXPECT_EQ(photo.color.size(2), 64);  // upright
  EXPECT_EQ(photo.gain_map->pixels.width, 24);
  WriteOptions options;
  options.format = ImageFormat::kJpeg;
  save_photo(photo, dir_ / "a.jpg", options);
  const Photo read = load_photo(dir_ / "a.jpg");
  ASSERT_NE(read.gain_map, nullptr);
  EXPECT_EQ(read.gain_map->xmp, photo.gain_map->xmp);
  EXPECT_EQ(read.gain_map->pixels.width, 24);
  EXPECT_EQ(read.gain_map->pixels.height, 32);
  EXPECT_THAT(bytes_of_file(dir_ / "a.jpg"), HasSubstr("by hand"));  // its other XMP
  EXPECT_THAT(
      left_behind(given_gain_map(), read_photo_header(given_gain_map()), ImageFormat::kJpeg, DynamicRange::kSdr),
      testing::Not(testing::Contains("the HDR gain map")));
  EXPECT_THAT(left_behind(given_gain_map(), read_photo_header(given_gain_map()), ImageFormat::kPng, DynamicRange::kSdr),
              testing::Contains("the HDR gain map"));
  options.encode.strip = true;
  save_photo(photo, dir_ / "b.jpg", options);
  EXPECT_EQ(load_photo(dir_ / "b.jpg").gain_map, nullptr);
}

TEST_F(GainMapPhoto, UnusableMapIsANote) {
  std::string bytes = bytes_of_file(given_gain_map());
  std::ofstream(dir_ / "cut.jpg", std::ios::binary) << bytes.substr(0, bytes.size() - 200);
  const Photo photo = load_photo(dir_ / "cut.jpg");
  EXPECT_EQ(photo.gain_map, nullptr);
  EXPECT_THAT(testing::PrintToString(photo.notes), HasSubstr("gain map"));
}

}  // namespace
}  // namespace zsr
