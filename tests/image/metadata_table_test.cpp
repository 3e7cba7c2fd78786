#include "image/metadata_table.h"

#include "image/photo.h"
#include "image/tiff_directory.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <zlib.h>

namespace zsr {
namespace {

using test::TempDir;
using Words = std::vector<std::string>;

std::string big32(uint32_t value) {
  return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
          static_cast<char>(value)};
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string summed = type + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size()));
  return big32(static_cast<uint32_t>(data.size())) + summed + big32(static_cast<uint32_t>(sum));
}

std::string jpeg_segment(char marker, const std::string& data) {
  const size_t size = data.size() + 2;
  return std::string{'\xFF', marker, static_cast<char>(size >> 8U), static_cast<char>(size & 0xFFU)} + data;
}

Photo plain_photo() {
  Photo photo;
  photo.color = test::texture(3, 16, 24).to(torch::kFloat32);
  return photo;
}

Words lost(const std::filesystem::path& path, ImageFormat target) {
  return left_behind(path, read_photo_header(path), target);
}

TEST(MetadataTable, PngKeepsTextsAndGammaByteForByte) {
  const TempDir dir;
  save_photo(plain_photo(), dir / "a.png", {});
  const std::string gamma = png_chunk("gAMA", big32(100000));
  const std::string text = png_chunk("iTXt", std::string("Title\0\0\0\0\0Fotograf\xC3\xAD\x61", 21));
  test::write_bytes(dir / "a.png", with_png_chunks(test::read_bytes(dir / "a.png"), gamma + text));
  const Photo photo = load_photo(dir / "a.png");
  save_photo(photo, dir / "b.png", {});
  const std::string bytes = test::read_bytes(dir / "b.png");
  EXPECT_NE(bytes.find(gamma + text), std::string::npos);
  EXPECT_EQ(bytes.find("Fotograf", bytes.find("Fotograf") + 1), std::string::npos);
  EXPECT_LT(test::max_difference(load_photo(dir / "b.png").color, photo.color), 1e-6);
  EXPECT_TRUE(lost(dir / "a.png", ImageFormat::kPng).empty());
  EXPECT_EQ(lost(dir / "a.png", ImageFormat::kJpeg), (Words{"text chunks"}));
  save_photo(photo, dir / "c.png", {.encode = {.strip = true}});
  EXPECT_EQ(test::read_bytes(dir / "c.png").find("gAMA"), std::string::npos);
}

TEST(MetadataTable, NamesCommentsAndGainMaps) {
  const TempDir dir;
  save_photo(plain_photo(), dir / "a.jpg", {.format = ImageFormat::kJpeg});
  EXPECT_TRUE(lost(dir / "a.jpg", ImageFormat::kJpeg).empty());
  std::string bytes = test::read_bytes(dir / "a.jpg");
  const std::string xmp =
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
      "<rdf:Description xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"/></rdf:RDF>"
      "</x:xmpmeta>";
  bytes.insert(2, jpeg_segment('\xE1', std::string("http://ns.adobe.com/xap/1.0/") + '\0' + xmp) +
                      jpeg_segment('\xFE', "a comment"));
  test::write_bytes(dir / "a.jpg", bytes);
  EXPECT_EQ(lost(dir / "a.jpg", ImageFormat::kTiff), (Words{"the comment", "the HDR gain map"}));
  EXPECT_EQ(lost(dir / "a.jpg", ImageFormat::kJpeg), (Words{"the comment"}));
  const Words more = lost(dir / "a.jpg", ImageFormat::kBmp);
  EXPECT_EQ(std::count(more.begin(), more.end(), "XMP data"), 1);
  save_photo(load_photo(dir / "a.jpg"), dir / "b.jpg", {.format = ImageFormat::kJpeg});
  const std::string result = test::read_bytes(dir / "b.jpg");
  EXPECT_NE(result.find("rdf:Description"), std::string::npos);
  EXPECT_EQ(result.find("hdrgm:Version"), std::string::npos);
}

TEST(TiffDirectory, LaterDirectoriesCanBeCutOff) {
  // One entry, then a second directory at 30 whose only entry says the same.
  const std::string entry("\x31\x01\x02\0\x02\0\0\0z\0\0\0", 12);
  std::string block = std::string("II*\0\x08\0\0\0\x01\0", 10) + entry + std::string("\x1A\0\0\0", 4) +
                      std::string("\x01\0", 2) + entry + std::string(4, '\0');
  remove_later_tiff_directories(block, 0);
  EXPECT_EQ(block.substr(22, 4), std::string(4, '\0'));
  EXPECT_EQ(TiffDirectory::read(block)->text(305), "z");
}

}  // namespace
}  // namespace zsr
