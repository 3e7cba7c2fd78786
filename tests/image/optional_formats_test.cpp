// HEIC, AVIF and JPEG XL, where libvips can write them.
#include "image/optional_formats.h"

#include "core/error.h"
#include "image/metadata_table.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

using test::TempDir;

class OptionalFormat : public testing::TestWithParam<ImageFormat> {
 protected:
  void SetUp() override {
    if (is_writable(GetParam())) return;
    EXPECT_NE(why_not_writable(GetParam()).find("libvips lacks"), std::string::npos);
    GTEST_SKIP() << why_not_writable(GetParam());
  }
  std::filesystem::path at(const std::string& stem) const { return dir_ / (stem + "." + to_string(GetParam())); }
  TempDir dir_;
};

Photo some_photo(bool alpha = false, int bit_depth = 8) {
  Photo photo;
  photo.color = quantize(test::texture(3, 40, 52).to(torch::kFloat32), bit_depth);
  if (alpha) photo.alpha = quantize(0.5 + 0.5 * test::texture(1, 40, 52, 2).to(torch::kFloat32), bit_depth);
  photo.bit_depth = bit_depth;
  return photo;
}

TEST_P(OptionalFormat, Lossless) {
  for (const bool alpha : {false, true}) {
    for (const int bit_depth : {8, 16}) {
      if (bit_depth > max_bit_depth(GetParam())) continue;
      const Photo photo = some_photo(alpha, bit_depth);
      save_photo(photo, at("a"), {.format = GetParam(), .encode = {.quality = 100}, .overwrite = Overwrite::kYes});
      const Photo back = load_photo(at("a"));
      EXPECT_EQ(back.format, GetParam());
      EXPECT_EQ(back.bit_depth, bit_depth);
      EXPECT_LT(test::max_difference(back.color, photo.color), 1.01 / (bit_depth == 16 ? 65535 : 255));
      ASSERT_EQ(back.alpha.defined(), alpha);
      if (alpha) {
        EXPECT_LT(test::max_difference(back.alpha, photo.alpha), 1.01 / 255);
      }
      EXPECT_FALSE(read_photo_header(at("a")).resolution.known());
    }
  }
}

TEST_P(OptionalFormat, LossyIsClose) {
  const Photo photo = some_photo();
  save_photo(photo, at("a"), {.format = GetParam()});
  EXPECT_LT((load_photo(at("a")).color - photo.color).abs().mean().item<double>(), 0.02);
  Photo gray = photo;
  gray.color = photo.color.slice(1, 0, 1).contiguous();
  save_photo(gray, at("g"), {.format = GetParam()});
  EXPECT_LT((load_photo(at("g")).color - gray.color).abs().mean().item<double>(), 0.02);
}

TEST_P(OptionalFormat, HoldsWhatTheTableSays) {
  // A JPEG with a resolution, so with EXIF once libvips has written it anew.
  save_photo(some_photo(), dir_ / "a.jpg", {.format = ImageFormat::kJpeg});
  std::string bytes = test::read_bytes(dir_ / "a.jpg");
  const std::string xmp = std::string("http://ns.adobe.com/xap/1.0/") + '\0' +
                          "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
                          "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/></x:xmpmeta>";
  bytes.insert(2, std::string("\xFF\xE1") + '\0' + static_cast<char>(xmp.size() + 2) + xmp);
  test::write_bytes(dir_ / "a.jpg", bytes);
  const auto lost = left_behind(dir_ / "a.jpg", read_photo_header(dir_ / "a.jpg"), GetParam());
  save_photo(load_photo(dir_ / "a.jpg"), at("b"), {.format = GetParam()});
  const PhotoHeader header = read_photo_header(at("b"));
  const bool said = std::find(lost.begin(), lost.end(), "XMP data") != lost.end();
  EXPECT_EQ(header.xmp_bytes == 0, said);
  const Resolution before = read_photo_header(dir_ / "a.jpg").resolution;
  EXPECT_NEAR(header.resolution.x, said ? 0.0 : before.x, 1e-3);
  save_photo(load_photo(dir_ / "a.jpg"), at("c"), {.format = GetParam(), .encode = {.strip = true}});
  EXPECT_EQ(read_photo_header(at("c")).xmp_bytes, 0U);
}

TEST_P(OptionalFormat, CutFilesAreRefused) {
  save_photo(some_photo(), at("a"), {.format = GetParam()});
  const std::string bytes = test::read_bytes(at("a"));
  for (const size_t size : {bytes.size() / 4, bytes.size() / 2}) {
    test::write_bytes(at("cut"), bytes.substr(0, size));
    EXPECT_THROW(load_photo(at("cut")), InputError) << size << " of " << bytes.size();
  }
}

INSTANTIATE_TEST_SUITE_P(All, OptionalFormat,
                         testing::Values(ImageFormat::kHeif, ImageFormat::kAvif, ImageFormat::kJxl),
                         [](const auto& format) { return to_string(format.param); });

TEST(OptionalFormats, WhatTheEncoderRefusesIsAnError) {
  const TempDir dir;
  Photo photo;
  photo.color = torch::zeros({1, 3, 2, 9000});
  if (!is_writable(ImageFormat::kHeif)) {
    EXPECT_THROW(save_photo(photo, dir / "a.heic", {.format = ImageFormat::kHeif}), OptionError);
    return;
  }
  try {
    save_photo(photo, dir / "a.heic", {.format = ImageFormat::kHeif});
    EXPECT_EQ(load_photo(dir / "a.heic").color.size(3), 9000);  // an encoder that can
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("9000"), std::string::npos) << error.what();
    EXPECT_TRUE(dir.names().empty());
  }
}

TEST(OptionalFormats, GifIsWrittenWhereLibvipsCan) {
  const TempDir dir;
  Photo photo;
  photo.color = torch::zeros({1, 3, 12, 10});
  photo.color.slice(3, 5).fill_(1.0);
  if (!is_writable(ImageFormat::kGif)) {
    EXPECT_NE(why_not_writable(ImageFormat::kGif).find("cgif"), std::string::npos);
    return;
  }
  save_photo(photo, dir / "a.gif", {.format = ImageFormat::kGif});
  EXPECT_LT(test::max_difference(load_photo(dir / "a.gif").color.expand({1, 3, 12, 10}), photo.color), 1e-6);
}

}  // namespace
}  // namespace zsr
