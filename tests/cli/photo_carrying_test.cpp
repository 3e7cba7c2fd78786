// What a photo carries comes out at the other end: depth, gray, alpha, metadata, orientation.
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::test {
namespace {

ProgramResult upscale(const std::filesystem::path& input, const std::filesystem::path& output,
                      std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"upscale", input.string(), "-o", output.string(), "-q", "-m", "bicubic"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_zsr(arguments);
}

TEST(PhotoCarrying, DepthGrayAndAlphaStay) {
  const TempDir dir;
  for (const char* extension : {"png", "tif"}) {
    for (const int64_t channels : {1, 3}) {
      for (const bool alpha : {false, true}) {
        for (const int depth : {8, 16}) {
          const auto in = dir / (std::string("in.") + extension);
          const auto out = dir / (std::string("out.") + extension);
          std::filesystem::remove(in);
          make_photo(in, channels, 17, 19, alpha, depth);
          ASSERT_EQ(run_zsr(quick({"upscale", in.string(), "-o", out.string(), "-q", "--force"})).code, 0);
          const Photo photo = load_photo(out);
          EXPECT_EQ(photo.color.sizes(), (std::vector<int64_t>{1, channels, 34, 38}));
          EXPECT_EQ(photo.alpha.defined(), alpha);
          EXPECT_EQ(photo.bit_depth, depth);
        }
      }
    }
  }
}

TEST(PhotoCarrying, EveryFormatGoesThrough) {
  const TempDir dir;
  for (const char* extension : {"png", "jpg", "tif", "webp", "ppm", "bmp"}) {
    const auto in = dir / (std::string("a.") + extension);
    make_photo(in, 3, 16, 21);
    const auto out = dir / (std::string("b.") + extension);
    EXPECT_EQ(upscale(in, out).code, 0) << extension;
    const Photo photo = load_photo(out);
    EXPECT_EQ(photo.color.size(3), 42) << extension;
    EXPECT_EQ(photo.format, format_from_name(in)) << extension;
  }
}

TEST(PhotoCarrying, ExifXmpAndResolutionWithSizesCorrected) {
  const TempDir dir;
  for (const char* name : {"cat.jpg", "cat.png", "cat.tif"}) {
    ASSERT_EQ(upscale(example("cat.jpg"), dir / name).code, 0);
    const PhotoHeader header = read_photo_header(dir / name);
    EXPECT_EQ(header.width, 902);
    EXPECT_GT(header.xmp_bytes, 0U) << name;
    EXPECT_GT(header.exif_bytes, 0U) << name;
    EXPECT_NEAR(header.resolution.x * 25.4, 300.0, 0.5) << name;
  }
  // From TIFF on to the others: nothing is lost on the second leg either.
  for (const char* name : {"again.jpg", "again.png", "again.tif"}) {
    ASSERT_EQ(upscale(dir / "cat.tif", dir / name).code, 0);
    EXPECT_GT(read_photo_header(dir / name).exif_bytes, 0U) << name;
    EXPECT_NE(read_bytes(dir / name).find("Stefan van der Walt"), std::string::npos) << name;
    EXPECT_NE(read_bytes(dir / name).find("2012:06:01 10:00:00"), std::string::npos) << name;
  }
  const std::string bytes = read_bytes(dir / "cat.jpg");
  EXPECT_NE(bytes.find("Stefan van der Walt"), std::string::npos);
  EXPECT_NE(bytes.find("Chelsea the cat"), std::string::npos);
  ASSERT_EQ(upscale(example("cat.jpg"), dir / "bare.jpg", {"--strip"}).code, 0);
  EXPECT_EQ(read_photo_header(dir / "bare.jpg").exif_bytes, 0U);
  EXPECT_EQ(read_bytes(dir / "bare.jpg").find("Chelsea"), std::string::npos);
}

// Puts an EXIF segment with this orientation, and an XMP packet that repeats it, into a JPEG.
std::string with_orientation(const std::string& jpeg, char orientation) {
  std::string tiff("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18);
  tiff += orientation;
  tiff += std::string("\0\0\0\0\0\0\0", 7);
  const auto segment = [](const std::string& payload) {
    const size_t length = payload.size() + 2;
    return std::string("\xFF\xE1") + static_cast<char>(length >> 8) + static_cast<char>(length & 0xFF) + payload;
  };
  const std::string xmp =
      std::string("http://ns.adobe.com/xap/1.0/") + '\0' +
      "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
      "<rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation=\"6\" "
      "tiff:ImageWidth='30'/></rdf:RDF></x:xmpmeta>";
  return jpeg.substr(0, 2) + segment(std::string("Exif\0\0", 6) + tiff) + segment(xmp) + jpeg.substr(2);
}

TEST(PhotoCarrying, OrientationIsAppliedOnceAndReset) {
  const TempDir dir;
  Photo photo;
  photo.color = torch::zeros({1, 3, 20, 30});
  photo.color.slice(2, 0, 8).slice(3, 0, 8).fill_(1.0);  // a white corner, top left as stored
  save_photo(photo, dir / "plain.jpg", {.format = ImageFormat::kJpeg});
  write_bytes(dir / "turned.jpg", with_orientation(read_bytes(dir / "plain.jpg"), 6));
  EXPECT_EQ(read_photo_header(dir / "turned.jpg").orientation, 6);
  for (const char* name : {"out.jpg", "out.png", "out.tif", "out.webp"}) {
    ASSERT_EQ(upscale(dir / "turned.jpg", dir / name).code, 0);
    const Photo result = load_photo(dir / name);
    // Orientation 6 asks for a quarter turn clockwise: 20x30 becomes 30 rows of 20, the corner moves to the top right.
    EXPECT_EQ(result.color.sizes(), (std::vector<int64_t>{1, 3, 60, 40})) << name;
    EXPECT_GT(result.color[0][0][5][35].item<float>(), 0.9F) << name;
    EXPECT_LT(result.color[0][0][5][5].item<float>(), 0.1F) << name;
    EXPECT_EQ(read_photo_header(dir / name).orientation, 1) << name;
  }
  const std::string bytes = read_bytes(dir / "out.jpg");
  EXPECT_NE(bytes.find("tiff:Orientation=\"1\""), std::string::npos);
  EXPECT_NE(bytes.find("tiff:ImageWidth='40'"), std::string::npos);
}

// Puts an EXIF segment into a JPEG whose second directory holds `thumbnail`.
std::string with_thumbnail(const std::string& jpeg, const std::string& thumbnail) {
  const auto number = [](size_t value, size_t bytes) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
    return text;
  };
  const auto entry = [&](size_t tag, size_t type, size_t value) {
    return number(tag, 2) + number(type, 2) + number(1, 4) + number(value, 4);
  };
  constexpr size_t kShort = 3;
  constexpr size_t kLong = 4;
  std::string tiff = std::string("II*\0", 4) + number(8, 4);
  tiff += number(1, 2) + entry(0x112, kShort, 6) + number(26, 4);
  tiff += number(3, 2) + entry(0x103, kShort, 6) + entry(0x201, kLong, 68) + entry(0x202, kLong, thumbnail.size());
  tiff += number(0, 4);
  const std::string payload = std::string("Exif\0\0", 6) + tiff + thumbnail;
  const size_t length = payload.size() + 2;
  return jpeg.substr(0, 2) + "\xFF\xE1" + static_cast<char>(length >> 8U) + static_cast<char>(length & 0xFFU) +
         payload + jpeg.substr(2);
}

TEST(PhotoCarrying, TheThumbnailOfOtherPixelsIsDropped) {
  const TempDir dir;
  Photo photo;
  photo.color = torch::full({1, 3, 16, 24}, 0.5);
  save_photo(photo, dir / "plain.jpg", {.format = ImageFormat::kJpeg});
  const std::string plain = read_bytes(dir / "plain.jpg");
  write_bytes(dir / "in.jpg", with_thumbnail(plain, plain));
  ASSERT_EQ(read_photo_header(dir / "in.jpg").orientation, 6);
  for (const char* name : {"out.jpg", "out.png", "out.tif", "out.webp"}) {
    ASSERT_EQ(upscale(dir / "in.jpg", dir / name).code, 0);
    EXPECT_EQ(read_photo_header(dir / name).orientation, 1) << name;
    EXPECT_EQ(read_bytes(dir / name).find("\xFF\xD8\xFF", 1), std::string::npos) << name;
  }
}

TEST(PhotoCarrying, NoFringeAroundTransparentParts) {
  // A bright disk on hidden black: where the result shows at all, it must be bright.
  const TempDir dir;
  Photo photo;
  const torch::Tensor y = torch::arange(32, torch::kFloat32).view({32, 1}) - 15.5;
  const torch::Tensor x = torch::arange(32, torch::kFloat32).view({1, 32}) - 15.5;
  photo.alpha = ((y * y + x * x).sqrt() < 11).to(torch::kFloat32).view({1, 1, 32, 32});
  photo.color = photo.alpha.expand({1, 3, 32, 32}).clone();
  save_photo(photo, dir / "disk.png", {.format = ImageFormat::kPng});
  ASSERT_EQ(upscale(dir / "disk.png", dir / "out.png").code, 0);
  const Photo result = load_photo(dir / "out.png");
  const torch::Tensor visible = result.alpha.expand_as(result.color) > 0.02;
  EXPECT_GT(result.color.masked_select(visible).min().item<float>(), 0.99F);
}

TEST(PhotoCarrying, SmallOddAndThinPhotosWork) {
  const TempDir dir;
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 200}, {300, 2}, {15, 9}, {33, 17}}) {
    const auto in = dir / "in.png";
    std::filesystem::remove(in);
    make_photo(in, 3, height, width);
    for (const char* scale : {"2", "1.5", "3"}) {
      const auto result =
          run_zsr(quick({"upscale", in.string(), "-o", (dir / "out.png").string(), "-s", scale, "-q", "--force"}));
      ASSERT_EQ(result.code, 0) << result.err << height << "x" << width << " scale " << scale;
      EXPECT_EQ(load_photo(dir / "out.png").color.size(2), std::lround(std::ceil(height * std::stod(scale))));
    }
  }
}

}  // namespace
}  // namespace zsr::test
