#include "image/resolution.h"

#include "image/photo.h"
#include "image/tiff_directory.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

using test::TempDir;

constexpr ImageFormat kWritten[] = {ImageFormat::kPng, ImageFormat::kJpeg, ImageFormat::kTiff, ImageFormat::kWebp,
                                    ImageFormat::kBmp};

Photo with_resolution(const TempDir& dir, char unit, unsigned char low, unsigned char high) {
  Photo photo;
  photo.color = test::texture(3, 16, 24).to(torch::kFloat32);
  save_photo(photo, dir / "source.jpg", {.format = ImageFormat::kJpeg});
  std::string bytes = test::read_bytes(dir / "source.jpg");
  // A JFIF segment with unit and densities, 16 bits each, high byte first, instead of the writer's EXIF block.
  if (bytes.substr(2, 2) == "\xFF\xE1") {
    const size_t size = static_cast<unsigned char>(bytes[4]) * size_t{256} + static_cast<unsigned char>(bytes[5]);
    bytes.erase(2, size + 2);
  }
  const std::string density = {static_cast<char>(high), static_cast<char>(low)};
  bytes.insert(2, std::string("\xFF\xE0\0\x10JFIF\0\1\1", 11) + unit + density + density + std::string(2, '\0'));
  test::write_bytes(dir / "source.jpg", bytes);
  return load_photo(dir / "source.jpg");
}

TEST(Resolution, IsKeptInEveryFormatBothWays) {
  const TempDir dir;
  const Photo photo = with_resolution(dir, 1, 0x2C, 0x01);  // 300 dots per inch
  for (const ImageFormat format : kWritten) {
    const auto path = dir / ("a." + to_string(format));
    save_photo(photo, path, {.format = format});
    const Resolution found = read_photo_header(path).resolution;
    EXPECT_NEAR(found.x * 25.4, 300.0, 0.4) << path;
    EXPECT_NEAR(found.y * 25.4, 300.0, 0.4) << path;
    for (const ImageFormat second : kWritten) {
      const auto again = dir / ("b." + to_string(second));
      save_photo(load_photo(path), again, {.format = second, .overwrite = Overwrite::kYes});
      EXPECT_NEAR(read_photo_header(again).resolution.x * 25.4, 300.0, 0.8) << path << " to " << again;
    }
  }
}

TEST(Resolution, UnknownStaysUnknown) {
  const TempDir dir;
  test::write_bytes(dir / "a.ppm", std::string("P6 2 2 255\nabcdefghijkl"));
  const Photo none = with_resolution(dir, 0, 1, 0);
  for (const Photo& photo : {load_photo(dir / "a.ppm"), none}) {
    for (const ImageFormat format : kWritten) {
      const auto path = dir / ("a." + to_string(format));
      save_photo(photo, path, {.format = format, .overwrite = Overwrite::kYes});
      EXPECT_FALSE(read_photo_header(path).resolution.known()) << path;
      EXPECT_EQ(test::read_bytes(path).find("pHYs"), std::string::npos);
      EXPECT_EQ(load_photo(path).color.sizes(), photo.color.sizes());
    }
  }
}

TEST(Resolution, StrippedFilesStateNone) {
  const TempDir dir;
  const Photo photo = with_resolution(dir, 1, 0x2C, 0x01);
  for (const ImageFormat format : kWritten) {
    const auto path = dir / ("a." + to_string(format));
    save_photo(photo, path, {.format = format, .encode = {.strip = true}});
    EXPECT_FALSE(read_photo_header(path).resolution.known()) << path;
  }
}

// Little-endian: 282 and 283 are 300/1, 296 is `unit`, 305 is text.
std::string exif_block(char unit) {
  const auto entry = [](unsigned char tag_low, char type, char count, char value) {
    return std::string{static_cast<char>(tag_low), 1, type, 0, count, 0, 0, 0, value, 0, 0, 0};
  };
  const std::string head("II*\0\x08\0\0\0\x04\0", 10);
  const std::string rational("\x2C\x01\0\0\x01\0\0\0", 8);
  return head + entry(0x1A, 5, 1, 62) + entry(0x1B, 5, 1, 62) + entry(0x28, 3, 1, unit) + entry(0x31, 2, 2, 'z') +
         std::string(4, '\0') + rational;
}

TEST(Resolution, ExifOfJpegXlCanBeTakenOut) {
  const auto box = [](const std::string& content) {
    return std::string(3, '\0') + static_cast<char>(content.size() + 4) + content;
  };
  const std::string head = box("JXL \r\n\x87\n") + box("ftypjxl ");
  const std::string pixels = std::string(4, '\0') + "jxlc...";  // to the end of the file
  EXPECT_EQ(without_jxl_exif(head + box("Exif....II*") + box("xml <x/>") + box("brobExif...") + pixels),
            head + box("xml <x/>") + pixels);
  EXPECT_EQ(without_jxl_exif(head + box("brobxml ...") + pixels), head + box("brobxml ...") + pixels);
  for (const std::string& other :
       {std::string("\xFF\x0A..."), head + std::string("\0\0\xFF\xFF", 4) + "Exif", head.substr(0, 14)}) {
    EXPECT_EQ(without_jxl_exif(other), other);
  }
}

TEST(TiffDirectory, ReadsNumbersAndTexts) {
  const auto directory = TiffDirectory::read(exif_block(2));
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->number(282), 300.0);
  EXPECT_EQ(directory->number(296), 2.0);
  EXPECT_EQ(directory->text(305), "z");
  EXPECT_FALSE(directory->number(274));
  EXPECT_FALSE(TiffDirectory::read("II*"));
}

TEST(TiffDirectory, FieldsCanBeTakenOut) {
  std::string block = exif_block(2);
  const size_t size = block.size();
  remove_tiff_fields(block, 0, {282, 283, 296});
  EXPECT_EQ(block.size(), size);
  const auto directory = TiffDirectory::read(block);
  ASSERT_TRUE(directory);
  EXPECT_FALSE(directory->has(282));
  EXPECT_FALSE(directory->has(296));
  EXPECT_EQ(directory->text(305), "z");
}

TEST(Resolution, ExifWithoutAUnitIsUnknown) {
  EXPECT_FALSE(read_resolution("none", ImageFormat::kWebp, exif_block(1)).known());
  EXPECT_NEAR(read_resolution("none", ImageFormat::kWebp, exif_block(2)).x, 300.0 / 25.4, 1e-9);
  EXPECT_NEAR(read_resolution("none", ImageFormat::kHeif, exif_block(3)).y, 30.0, 1e-9);
}

TEST(OpaqueAlpha, IsNoAlpha) {
  const TempDir dir;
  for (const int bit_depth : {8, 16}) {
    Photo photo;
    photo.color = torch::rand({1, 3, 5, 6});
    photo.alpha = torch::ones({1, 1, 5, 6});
    photo.bit_depth = bit_depth;
    save_photo(photo, dir / "a.png", {.overwrite = Overwrite::kYes});
    EXPECT_FALSE(load_photo(dir / "a.png").alpha.defined());
    photo.alpha[0][0][2][3] = 0.99;
    save_photo(photo, dir / "a.png", {.overwrite = Overwrite::kYes});
    EXPECT_TRUE(load_photo(dir / "a.png").alpha.defined());
  }
}

}  // namespace
}  // namespace zsr
