#include "core/error.h"
#include "image/decoder_messages.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

using test::TempDir;

constexpr ReadLimits kAccept{.accept_damaged = true};

// Bytes of a JPEG of 64 x 96 pixels.
std::string jpeg_bytes(const TempDir& dir) {
  Photo photo;
  photo.color = test::texture(3, 96, 64).to(torch::kFloat32);
  save_photo(photo, dir / "whole.jpg", {.format = ImageFormat::kJpeg});
  return test::read_bytes(dir / "whole.jpg");
}

TEST(DecoderMessages, LostPixelsAreDamageAndStrayBytesAreNot) {
  const auto damaged = sort_jpeg_messages(
      "VipsJpeg: Corrupt JPEG data: 3 extraneous bytes before marker 0xdb\n"
      "VipsJpeg: Corrupt JPEG data: premature end of data segment\n");
  EXPECT_EQ(damaged.damage, "Corrupt JPEG data: premature end of data segment");
  EXPECT_EQ(damaged.oddities.size(), 1U);
  for (const char* const harmless :
       {"Corrupt JPEG data: 40 extraneous bytes before marker 0xdb",
        "Corrupt JPEG data: 1 extraneous bytes before marker 0xd9", "Invalid SOS parameters for sequential JPEG"}) {
    const auto found = sort_jpeg_messages("VipsJpeg: " + std::string(harmless) + "\nVipsJpeg: " + harmless + "\n");
    EXPECT_EQ(found.damage, "");
    EXPECT_EQ(found.oddities, std::vector<std::string>{harmless});
  }
  for (const char* const bad :
       {"Corrupt JPEG data: 33 extraneous bytes before marker 0xd3", "Premature end of JPEG file",
        "Corrupt JPEG data: bad Huffman code", "Corrupt JPEG data: found marker 0xd5 instead of RST3"}) {
    EXPECT_EQ(sort_jpeg_messages("VipsJpeg: " + std::string(bad)).damage, bad);
  }
  EXPECT_EQ(sort_jpeg_messages("photo.heic: bad seek to 3172\n").damage, "");
}

TEST(PhotoDamage, AnEndInsideTheScanIsRefusedUnlessAccepted) {
  const TempDir dir;
  std::string bytes = jpeg_bytes(dir);
  bytes.replace(bytes.size() * 2 / 3, 2, "\xFF\xD9");
  test::write_bytes(dir / "bad.jpg", bytes);
  EXPECT_THROW(load_photo(dir / "bad.jpg"), InputError);
  const Photo photo = load_photo(dir / "bad.jpg", kAccept);
  EXPECT_NE(photo.damage.find("is damaged"), std::string::npos) << photo.damage;
  EXPECT_EQ(photo.notes.size(), 1U);
  const torch::Tensor whole = load_photo(dir / "whole.jpg").color;
  EXPECT_LT(test::max_difference(photo.color.slice(2, 0, 24), whole.slice(2, 0, 24)), 1e-6);
}

TEST(PhotoDamage, AFileWithoutItsEndIsAcceptedWhole) {
  const TempDir dir;
  const std::string bytes = jpeg_bytes(dir);
  test::write_bytes(dir / "cut.jpg", bytes.substr(0, bytes.size() - 2));
  EXPECT_THROW(load_photo(dir / "cut.jpg"), InputError);
  const Photo photo = load_photo(dir / "cut.jpg", kAccept);
  EXPECT_FALSE(photo.damage.empty());
  EXPECT_LT(test::max_difference(photo.color, load_photo(dir / "whole.jpg").color), 1e-6);
}

TEST(PhotoDamage, StrayBytesBetweenMarkersAreOneNote) {
  const TempDir dir;
  std::string bytes = jpeg_bytes(dir);
  bytes.insert(bytes.find("\xFF\xDB"), std::string(40, '\x11'));
  test::write_bytes(dir / "odd.jpg", bytes);
  const Photo photo = load_photo(dir / "odd.jpg");
  EXPECT_EQ(photo.damage, "");
  ASSERT_EQ(photo.notes.size(), 1U);
  EXPECT_NE(photo.notes[0].find("harmless"), std::string::npos);
  EXPECT_LT(test::max_difference(photo.color, load_photo(dir / "whole.jpg").color), 1e-6);
}

TEST(PhotoDamage, WholeFilesSayNothing) {
  const TempDir dir;
  jpeg_bytes(dir);
  const Photo photo = load_photo(dir / "whole.jpg", kAccept);
  EXPECT_EQ(photo.damage, "");
  EXPECT_TRUE(photo.notes.empty());
}

TEST(PhotoDamage, ACutPngGivesItsFirstRows) {
  const TempDir dir;
  Photo photo;
  photo.color = quantize(test::texture(3, 200, 64).to(torch::kFloat32));
  save_photo(photo, dir / "a.png", {});
  const std::string bytes = test::read_bytes(dir / "a.png");
  test::write_bytes(dir / "cut.png", bytes.substr(0, bytes.size() * 2 / 3));
  EXPECT_THROW(load_photo(dir / "cut.png"), InputError);
  const Photo accepted = load_photo(dir / "cut.png", kAccept);
  EXPECT_LT(test::max_difference(accepted.color.slice(2, 0, 60), photo.color.slice(2, 0, 60)), 1e-6);
}

}  // namespace
}  // namespace zsr
