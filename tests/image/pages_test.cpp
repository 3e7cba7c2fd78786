#include "image/pages.h"

#include "core/error.h"
#include "image/apng.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <zlib.h>

namespace zsr {
namespace {

using test::TempDir;

Photo page_of(int64_t channels, int64_t height, int64_t width, uint64_t seed) {
  Photo photo;
  photo.color = test::random_bytes(channels, height, width, seed).to(torch::kFloat32);
  return photo;
}

// Page `page` of a file by libvips alone, [1, bands, H, W] in levels.
torch::Tensor page_by_vips(const std::filesystem::path& path, int page) {
  VipsImage* const image = page == 0 ? vips_image_new_from_file(path.c_str(), nullptr)
                                     : vips_image_new_from_file(path.c_str(), "page", page, nullptr);
  if (image == nullptr) throw std::runtime_error(vips_error_buffer());
  size_t size = 0;
  void* const memory = vips_image_write_to_memory(image, &size);
  const bool wide = vips_image_get_format(image) == VIPS_FORMAT_USHORT;
  const std::array<int64_t, 3> shape = {vips_image_get_height(image), vips_image_get_width(image),
                                        vips_image_get_bands(image)};
  const torch::Tensor values =
      wide ? torch::from_blob(memory, shape, torch::kInt16).to(torch::kInt32).bitwise_and(0xFFFF)
           : torch::from_blob(memory, shape, torch::kUInt8).to(torch::kInt32);
  torch::Tensor planes = values.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat64).contiguous();
  g_free(memory);
  g_object_unref(image);
  return planes;
}

std::vector<int> delays_by_vips(const std::filesystem::path& path) {
  VipsImage* const image = vips_image_new_from_file(path.c_str(), nullptr);
  int* delays = nullptr;
  int count = 0;
  vips_image_get_array_int(image, "delay", &delays, &count);
  const std::vector<int> made(delays, delays + count);
  g_object_unref(image);
  return made;
}

TEST(Pages, TiffOfDifferentPagesIsReadByLibvips) {
  const TempDir dir;
  std::vector<Photo> pages{page_of(3, 20, 31, 1), page_of(1, 9, 14, 2), page_of(3, 40, 8, 3)};
  pages[2].bit_depth = 16;
  pages[2].alpha = test::random_bytes(1, 40, 8, 4).to(torch::kFloat32);
  PageWriter writer({.format = ImageFormat::kTiff}, {3, {}, 0});
  for (const Photo& page : pages) writer.add(page);
  writer.save(dir / "a.tif");

  EXPECT_EQ(read_photo_header(dir / "a.tif").sequence.pages, 3);
  PageReader reader(dir / "a.tif");
  for (int i = 0; i < 3; ++i) {
    const Photo& page = pages[static_cast<size_t>(i)];
    const torch::Tensor whole = page.alpha.defined() ? torch::cat({page.color, page.alpha}, 1) : page.color;
    const double peak = page.bit_depth == 16 ? 65535.0 : 255.0;
    EXPECT_LT(test::max_difference(page_by_vips(dir / "a.tif", i), whole.to(torch::kFloat64) * peak), 0.51) << i;
    const Photo back = reader.read(i);
    EXPECT_LT(test::max_difference(back.color, page.color), 1e-4) << i;
    EXPECT_EQ(back.alpha.defined(), page.alpha.defined()) << i;
    EXPECT_EQ(back.bit_depth, page.bit_depth) << i;
    EXPECT_TRUE(back.notes.empty()) << back.notes[0];
  }
  EXPECT_THROW(reader.read(3), OptionError);
  EXPECT_NE(load_photo(dir / "a.tif").notes.at(0).find("3 pages"), std::string::npos);
}

class Animation : public testing::TestWithParam<ImageFormat> {};

TEST_P(Animation, FramesAndTimesAreKept) {
  const TempDir dir;
  const std::filesystem::path path = dir / ("a." + to_string(GetParam()));
  if (!is_writable(GetParam())) {
    EXPECT_THROW(PageWriter({.format = GetParam()}, {2, {9, 9}, 0}), OptionError);
    return;
  }
  // Few colours, so that a palette holds them.
  std::vector<Photo> frames(3);
  for (size_t i = 0; i < frames.size(); ++i) {
    frames[i].color = test::random_bytes(3, 12, 17, i).to(torch::kFloat32).round_();
  }
  frames[1].alpha = test::random_bytes(1, 12, 17, 9).to(torch::kFloat32).round_();
  frames[1].color.mul_(frames[1].alpha);
  const Sequence sequence{3, {70, 120, 250}, 4};
  PageWriter writer({.format = GetParam(), .encode = {.quality = 100}}, sequence);
  for (const Photo& frame : frames) writer.add(frame);
  writer.save(path);

  const Sequence found = read_photo_header(path).sequence;
  EXPECT_EQ(found.delays_ms, sequence.delays_ms);
  EXPECT_EQ(found.loops, 4);
  PageReader reader(path);
  for (const int64_t i : {0, 1, 2, 1}) {  // also backwards
    const Photo back = reader.read(i);
    const Photo& frame = frames[static_cast<size_t>(i)];
    ASSERT_EQ(back.alpha.defined(), frame.alpha.defined()) << i;
    const torch::Tensor seen = back.alpha.defined() ? back.color * back.alpha : back.color;
    EXPECT_LT(test::max_difference(seen, frame.color), 1e-4) << i;
    if (back.alpha.defined()) {
      EXPECT_LT(test::max_difference(back.alpha, frame.alpha), 1e-4);
    }
  }
  if (GetParam() == ImageFormat::kPng) return;  // libvips 8.14 reads the first frame only
  EXPECT_EQ(delays_by_vips(path), sequence.delays_ms);
  const torch::Tensor last = page_by_vips(path, 2).slice(1, 0, 3);
  EXPECT_LT(test::max_difference(last, frames[2].color.to(torch::kFloat64) * 255.0), 0.51);
}

INSTANTIATE_TEST_SUITE_P(Formats, Animation, testing::Values(ImageFormat::kWebp, ImageFormat::kGif, ImageFormat::kPng),
                         [](const auto& format) { return to_string(format.param); });

TEST(Pages, FirstFrameOfAnAnimatedPngIsWhatOtherViewersShow) {
  const TempDir dir;
  PageWriter writer({.format = ImageFormat::kPng}, {2, {100, 100}, 0});
  const Photo first = page_of(3, 10, 11, 5);
  writer.add(first);
  writer.add(page_of(3, 10, 11, 6));
  writer.save(dir / "a.png");
  EXPECT_LT(test::max_difference(page_by_vips(dir / "a.png", 0), first.color.to(torch::kFloat64) * 255.0), 0.51);
}

std::string big(uint32_t value, size_t size) {
  std::string bytes;
  for (size_t i = size; i-- > 0;) bytes += static_cast<char>((value >> (8 * i)) & 0xFFU);
  return bytes;
}

std::string chunk_of(const std::string& type, const std::string& data) {
  const std::string summed = type + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size()));
  return big(static_cast<uint32_t>(data.size()), 4) + summed + big(static_cast<uint32_t>(sum), 4);
}

struct Rectangle {
  int left, top, width, height, disposal, blend;
  std::array<int, 4> pixel;  // RGBA of all of it
};

// Rows of one colour, as PNG stores them.
std::string packed_pixels(const Rectangle& rectangle) {
  std::string rows;
  for (int y = 0; y < rectangle.height; ++y) {
    rows += '\0';
    for (int x = 0; x < rectangle.width; ++x) {
      for (const int value : rectangle.pixel) rows += static_cast<char>(value);
    }
  }
  std::string packed(compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()), rows.size());
  packed.resize(size);
  return packed;
}

// An animated PNG of 6 x 5 pixels, RGBA of 8 bits, by the specification.
std::string animated_png(const std::vector<Rectangle>& frames) {
  std::string file = "\x89PNG\r\n\x1A\n" + chunk_of("IHDR", big(6, 4) + big(5, 4) + std::string("\x08\x06\0\0\0", 5)) +
                     chunk_of("acTL", big(static_cast<uint32_t>(frames.size()), 4) + big(0, 4));
  uint32_t number = 0;
  for (const Rectangle& frame : frames) {
    const bool first = number == 0;
    std::string control = big(number++, 4);
    for (const int value : {frame.width, frame.height, frame.left, frame.top}) {
      control += big(static_cast<uint32_t>(value), 4);
    }
    control += big(1, 2) + big(0, 2) + static_cast<char>(frame.disposal) + static_cast<char>(frame.blend);
    file += chunk_of("fcTL", control);
    const std::string pixels = packed_pixels(frame);
    file += first ? chunk_of("IDAT", pixels) : chunk_of("fdAT", big(number++, 4) + pixels);
  }
  return file + chunk_of("IEND", "");
}

TEST(Pages, AnimatedPngIsDrawnByItsRules) {
  const TempDir dir;
  const std::array<int, 4> red{255, 0, 0, 255};
  const std::array<int, 4> half_green{0, 255, 0, 128};
  const std::array<int, 4> blue{0, 0, 255, 255};
  const std::array<int, 4> clear{0, 0, 0, 0};
  test::write_bytes(dir / "a.png", animated_png({{0, 0, 6, 5, 0, 0, red},
                                                 {1, 1, 3, 2, 2, 1, half_green},  // mixed, then undone
                                                 {2, 2, 4, 3, 1, 0, blue},        // then cleared
                                                 {0, 0, 1, 1, 0, 0, clear}}));    // replaces
  EXPECT_EQ(read_photo_header(dir / "a.png").sequence.delays_ms, (std::vector<int>{10, 10, 10, 10}));
  PageReader reader(dir / "a.png");
  const auto pixel = [&](int64_t frame, int64_t y, int64_t x) {
    const Photo photo = reader.read(frame);
    std::array<int, 4> made{};
    for (int64_t c = 0; c < 3; ++c) {
      made[static_cast<size_t>(c)] = static_cast<int>(photo.color[0][c][y][x].item<double>() * 255.0 + 0.5);
    }
    made[3] = photo.alpha.defined() ? static_cast<int>(photo.alpha[0][0][y][x].item<double>() * 255.0 + 0.5) : 255;
    return made;
  };
  EXPECT_EQ(pixel(0, 1, 1), red);
  EXPECT_EQ(pixel(1, 0, 0), red);
  EXPECT_EQ(pixel(1, 1, 1), (std::array<int, 4>{127, 128, 0, 255}));  // 128 / 255 of green over red
  EXPECT_EQ(pixel(2, 1, 1), red);
  EXPECT_EQ(pixel(2, 4, 5), blue);
  EXPECT_EQ(pixel(3, 4, 5), clear);
  EXPECT_EQ(pixel(3, 0, 0), clear);
  EXPECT_EQ(pixel(3, 0, 1), red);
}

TEST(Pages, DamagedAnimatedPngIsRefused) {
  const TempDir dir;
  const std::array<int, 4> red{255, 0, 0, 255};
  test::write_bytes(dir / "outside.png", animated_png({{0, 0, 6, 5, 0, 0, red}, {4, 1, 3, 2, 0, 0, red}}));
  EXPECT_THROW(PageReader(dir / "outside.png").read(1), InputError);
  const std::string whole = animated_png({{0, 0, 6, 5, 0, 0, red}, {1, 1, 3, 2, 0, 0, red}});
  std::string broken = whole;
  broken[broken.size() - 12 - 4 - 4] ^= '\x55';  // in the pixels of the last frame
  test::write_bytes(dir / "broken.png", broken);
  EXPECT_THROW(PageReader(dir / "broken.png").read(1), InputError);
}

TEST(Pages, OnlyFormatsThatHoldThemAreTaken) {
  EXPECT_THROW(PageWriter({.format = ImageFormat::kJpeg}, {2, {}, 0}), OptionError);
  EXPECT_THROW(PageWriter({.format = ImageFormat::kPng}, {2, {}, 0}), OptionError);  // pages are no animation
  PageWriter writer({.format = ImageFormat::kWebp}, {2, {9, 9}, 0});
  writer.add(page_of(3, 8, 9, 1));
  EXPECT_THROW(writer.add(page_of(3, 9, 8, 1)), OptionError);
}

}  // namespace
}  // namespace zsr
