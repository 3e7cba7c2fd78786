#include "image/camera_raw.h"

#include "core/error.h"
#include "image/photo.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

// A little-endian TIFF with a directory of these fields: tag, type, count, value.
struct RawField {
  uint16_t tag, type;
  uint32_t count, value;
};
std::string tiff_of(const std::vector<RawField>& fields) {
  std::string bytes("II*\0\x08\0\0\0", 8);
  const auto append = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFFU);
  };
  append(static_cast<uint32_t>(fields.size()), 2);
  for (const RawField& field : fields) {
    append(field.tag, 2);
    append(field.type, 2);
    append(field.count, 4);
    append(field.value, 4);
  }
  append(0, 4);
  return bytes;
}

std::string kind_of(const std::string& file) {
  return camera_raw_kind([&](uint64_t at, size_t size) {
    return at < file.size() ? file.substr(static_cast<size_t>(at), size) : std::string();
  });
}

TEST(CameraRaw, IsKnownByItsMarks) {
  EXPECT_EQ(kind_of(tiff_of({{254, 4, 1, 1}, {50706, 1, 4, 1}})), "DNG");
  EXPECT_EQ(kind_of(tiff_of({{254, 4, 1, 1}})), "TIFF with a reduced copy in front");
  EXPECT_EQ(kind_of(tiff_of({{271, 2, 4, 0x4E4F53}, {330, 4, 1, 8}})), "");
  EXPECT_EQ(kind_of(tiff_of({{271, 2, 5, 80}, {330, 4, 1, 8}}) + std::string(80, 'x')), "");
  std::string sony = tiff_of({{271, 2, 5, 38}, {330, 4, 1, 8}});
  sony.resize(38);
  EXPECT_EQ(kind_of(sony + std::string("SONY\0", 5)), "Sony ARW");
  EXPECT_EQ(kind_of(std::string("II*\0\x10\0\0\0CR\2\0", 12)), "Canon CR2");
  EXPECT_EQ(kind_of(std::string("\0\0\0\x18", 4) + "ftypcrx \0\0\0\1"), "Canon CR3");
  EXPECT_EQ(kind_of("FUJIFILMCCD-RAW 0201"), "Fujifilm RAF");
  EXPECT_EQ(kind_of(std::string("IIRO\x08\0\0\0", 8)), "Olympus ORF");
  EXPECT_EQ(kind_of(std::string("IIU\0\x08\0\0\0", 8)), "Panasonic RW2");
}

TEST(CameraRaw, OrdinaryPhotosAreNone) {
  const test::TempDir dir;
  Photo photo;
  photo.color = torch::rand({1, 3, 6, 7});
  for (const char* const name : {"a.tif", "a.png", "a.jpg", "a.webp", "a.bmp", "a.ppm"}) {
    save_photo(photo, dir / name, {.format = format_from_name(name)});
    EXPECT_EQ(kind_of(test::read_bytes(dir / name)), "") << name;
  }
}

TEST(CameraRaw, IsRefusedByName) {
  const test::TempDir dir;
  test::write_bytes(dir / "a.dng", tiff_of({{254, 4, 1, 1}, {50706, 1, 4, 1}}));
  try {
    load_photo(dir / "a.dng");
    FAIL() << "a raw file was read";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("camera raw file (DNG)"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace zsr
