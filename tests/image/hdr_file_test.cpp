#include "core/error.h"
#include "image/hdr.h"
#include "image/made_metadata.h"
#include "image/photo.h"
#include "image/png_chunks.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <vips/vips.h>

#include <ImfChromaticitiesAttribute.h>
#include <ImfRgbaFile.h>
#include <ImfStandardAttributes.h>
#include <array>
#include <fstream>
#include <gmock/gmock.h>
#include <libheif/heif.h>
#include <vector>

namespace zsr {
namespace {

constexpr double kCode = 1.0 / 1023.0;

class HdrFile : public ::testing::Test {
 protected:
  // Dark to bright, with all hues; odd sides.
  Photo photo() const {
    constexpr int64_t kHeight = 33;
    constexpr int64_t kWidth = 47;
    const torch::Tensor x = torch::linspace(0.0, 0.9, kWidth).view({1, 1, 1, kWidth}).expand({1, 1, kHeight, kWidth});
    const torch::Tensor y = torch::linspace(0.0, 0.8, kHeight).view({1, 1, kHeight, 1}).expand({1, 1, kHeight, kWidth});
    Photo made;
    made.color = torch::cat({x, y, (x + y) * 0.5}, 1).contiguous();
    made.range = DynamicRange::kHdr;
    return made;
  }

  std::filesystem::path saved(const Photo& photo, const std::string& name, int bit_depth = 0, int quality = 100) const {
    const auto path = dir_ / name;
    WriteOptions options;
    options.format = format_from_name(path);
    options.bit_depth = bit_depth;
    options.encode.quality = quality;
    save_photo(photo, path, options);
    return path;
  }

  test::TempDir dir_;
};

// What libheif decodes, and what the file signals.
struct HeifContent {
  int bits = 0;
  std::array<int, 4> signal{};  // primaries, transfer, matrix, full range
  torch::Tensor codes;          // [1, 3, H, W]
  bool alpha = false;
};

HeifContent read_heif(const std::filesystem::path& path) {
  HeifContent content;
  heif_context* const context = heif_context_alloc();
  heif_image_handle* handle = nullptr;
  heif_image* image = nullptr;
  heif_color_profile_nclx* color = nullptr;
  EXPECT_EQ(heif_context_read_from_file(context, path.c_str(), nullptr).code, heif_error_Ok);
  EXPECT_EQ(heif_context_get_primary_image_handle(context, &handle).code, heif_error_Ok);
  EXPECT_EQ(heif_image_handle_get_nclx_color_profile(handle, &color).code, heif_error_Ok);
  if (color != nullptr) {
    content.signal = {color->color_primaries, color->transfer_characteristics, color->matrix_coefficients,
                      color->full_range_flag};
  }
  content.alpha = heif_image_handle_has_alpha_channel(handle) != 0;
  content.bits = heif_image_handle_get_luma_bits_per_pixel(handle);
  EXPECT_EQ(heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_444, nullptr).code, heif_error_Ok);
  const int width = heif_image_get_width(image, heif_channel_R);
  const int height = heif_image_get_height(image, heif_channel_R);
  content.codes = torch::empty({1, 3, height, width}, torch::kFloat64);
  const heif_channel channels[] = {heif_channel_R, heif_channel_G, heif_channel_B};
  for (int c = 0; c < 3; ++c) {
    int stride = 0;
    const uint8_t* const plane = heif_image_get_plane_readonly(image, channels[c], &stride);
    for (int y = 0; y < height; ++y) {
      const auto* const row = reinterpret_cast<const uint16_t*>(plane + static_cast<ptrdiff_t>(y) * stride);
      for (int x = 0; x < width; ++x) content.codes[0][c][y][x] = static_cast<double>(row[x]);
    }
  }
  heif_nclx_color_profile_free(color);
  heif_image_release(image);
  heif_image_handle_release(handle);
  heif_context_free(context);
  return content;
}

torch::Tensor rgb_of(const HeifContent& content) {
  return content.codes / ((1 << content.bits) - 1.0);
}

Photo load_hdr_result(const std::filesystem::path& path) {
  ReadLimits limits;
  limits.hdr = true;
  return load_photo(path, limits);
}

double greatest_error(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class HeifFile : public HdrFile, public ::testing::WithParamInterface<std::pair<const char*, int>> {};

TEST_P(HeifFile, HoldsValuesAndSignal) {
  const auto [name, bits] = GetParam();
  try {
    hdr_bit_depth(format_from_name(name), bits);
  } catch (const OptionError& missing) {
    GTEST_SKIP() << missing.what();
  }
  const Photo made = photo();
  const HeifContent content = read_heif(saved(made, name, bits));
  EXPECT_EQ(content.bits, bits);
  EXPECT_THAT(content.signal, ::testing::ElementsAre(9, 16, 9, 1));
  ASSERT_EQ(content.codes.sizes(), made.color.sizes());
  EXPECT_FALSE(content.alpha);
  // Y' and Cb are rounded by half a code, of which Cb counts 1.88 times in blue; then blue is.
  const double code = 1.0 / ((1 << bits) - 1.0);
  EXPECT_LT(greatest_error(rgb_of(content), made.color), 2.0 * code);
  EXPECT_LT((rgb_of(content) - made.color).abs().mean().item<double>(), 0.7 * code);
  EXPECT_EQ(load_hdr_result(dir_ / name).hdr.transfer, HdrTransfer::kPq);
}

INSTANTIATE_TEST_SUITE_P(Formats, HeifFile,
                         ::testing::Values(std::pair("a.avif", 10), std::pair("b.avif", 12), std::pair("c.heic", 10),
                                           std::pair("d.heic", 12)));

TEST_F(HdrFile, LossyHeicHalvesColourAndKeepsAlpha) {
  if (!is_writable(ImageFormat::kHeif, DynamicRange::kHdr)) GTEST_SKIP() << "libheif has no encoder";
  Photo made = photo();
  made.alpha = torch::full({1, 1, 33, 47}, 0.5F);
  const HeifContent content = read_heif(saved(made, "a.heic", 0, 95));
  EXPECT_TRUE(content.alpha);
  EXPECT_EQ(content.bits, 10);
  ASSERT_EQ(content.codes.sizes(), made.color.sizes());
  EXPECT_LT((rgb_of(content) - made.color).abs().mean().item<double>(), 0.01);
}

// A TIFF block whose one entry is the maker of the camera.
std::string exif_block() {
  return std::string("II*\0\x08\0\0\0\x01\0\x0F\x01\x02\0\x04\0\0\0Abc\0\0\0\0\0", 26);
}

TEST_F(HdrFile, FilesKeepExif) {
  Photo made = photo();
  made.metadata = made_metadata(exif_block(), {});
  for (const char* name : {"a.png", "a.tif", "a.heic", "a.avif"}) {
    if (!is_writable(format_from_name(name), DynamicRange::kHdr)) continue;
    const auto path = saved(made, name);
    EXPECT_GT(read_photo_header(path).exif_bytes, 0U) << name;
    std::ifstream stream(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (format_from_name(name) != ImageFormat::kPng) EXPECT_THAT(bytes, ::testing::HasSubstr("Abc")) << name;
    EXPECT_FALSE(read_photo_header(path).resolution.known()) << name;
  }
}

TEST_F(HdrFile, PngSaysWhatItHoldsInFrontOfThePixels) {
  const Photo made = photo();
  const auto path = saved(made, "a.png");
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  std::vector<std::string> types;
  std::string signal;
  for (const PngChunk& chunk : png_chunks_in(std::string_view(bytes).substr(kPngSignature))) {
    types.emplace_back(chunk.type);
    if (chunk.type == "cICP") signal = chunk.data;
    if (chunk.type == "IDAT") break;
  }
  EXPECT_EQ(signal, std::string("\x09\x10\0\x01", 4));
  EXPECT_THAT(types, ::testing::Contains("cICP"));
  EXPECT_EQ(types.back(), "IDAT");
  EXPECT_THAT(types, ::testing::Not(::testing::Contains("sRGB")));
  const Photo read = load_hdr_result(path);
  EXPECT_EQ(read.bit_depth, 16);
  EXPECT_EQ(read.hdr.transfer, HdrTransfer::kPq);
  EXPECT_LT(greatest_error(read.color, made.color), 0.51 / 65535.0);
}

TEST_F(HdrFile, TiffHasAProfileThatNamesTheCurve) {
  const Photo made = photo();
  WriteOptions options;
  options.format = ImageFormat::kTiff;
  options.encode.strip = true;  // which does not take away what the numbers mean
  save_photo(made, dir_ / "a.tif", options);
  VipsImage* const image = vips_image_new_from_file((dir_ / "a.tif").c_str(), nullptr);
  ASSERT_NE(image, nullptr);
  const void* data = nullptr;
  size_t size = 0;
  ASSERT_EQ(vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size), 0);
  const std::string profile(static_cast<const char*>(data), size);
  g_object_unref(image);
  EXPECT_NE(profile.find(std::string("cicp\0\0\0\0\x09\x10\0\x01", 12)), std::string::npos);
  EXPECT_LT(greatest_error(load_hdr_result(dir_ / "a.tif").color, made.color), 0.51 / 65535.0);
}

TEST_F(HdrFile, ExrHoldsLightOverReferenceWhite) {
  Photo made = photo();
  made.alpha = torch::full({1, 1, 33, 47}, 0.5F);
  Imf::RgbaInputFile file(saved(made, "a.exr").c_str());
  ASSERT_TRUE(Imf::hasWhiteLuminance(file.header()));
  EXPECT_EQ(Imf::whiteLuminance(file.header()), 203.0F);
  const Imf::Chromaticities& colors = Imf::chromaticities(file.header());
  EXPECT_FLOAT_EQ(colors.red.x, 0.708F);
  EXPECT_FLOAT_EQ(colors.green.y, 0.797F);
  const int width = file.dataWindow().max.x + 1;
  const int height = file.dataWindow().max.y + 1;
  ASSERT_EQ(width, made.color.size(3));
  ASSERT_EQ(height, made.color.size(2));
  std::vector<Imf::Rgba> pixels(static_cast<size_t>(width) * static_cast<size_t>(height));
  file.setFrameBuffer(pixels.data(), 1, static_cast<size_t>(width));
  file.readPixels(0, height - 1);
  double worst = 0.0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Imf::Rgba& pixel = pixels[static_cast<size_t>(y * width + x)];
      ASSERT_EQ(static_cast<float>(pixel.a), 0.5F);
      const torch::Tensor light =
          torch::tensor({static_cast<float>(pixel.r), static_cast<float>(pixel.g), static_cast<float>(pixel.b)}) *
          (203.0 / 0.5);
      worst = std::max(worst, greatest_error(pq_of_light(light), made.color[0].select(1, y).select(1, x)));
    }
  }
  EXPECT_LT(worst, kCode);
}

TEST_F(HdrFile, OtherFormatsAndDepthsAreRefused) {
  const Photo made = photo();
  for (const char* name : {"a.jpg", "a.webp", "a.bmp", "a.ppm", "a.gif", "a.jxl"}) {
    try {
      saved(made, name);
      FAIL() << name;
    } catch (const OptionError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("avif, heic, png, tiff or exr")) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(dir_ / name));
  }
  EXPECT_THROW(saved(made, "a.png", 10), OptionError);
  EXPECT_THROW(saved(made, "a.avif", 16), OptionError);
  Photo plain = made;
  plain.range = DynamicRange::kSdr;
  EXPECT_THROW(saved(plain, "a.exr"), OptionError);
}

}  // namespace
}  // namespace zsr
