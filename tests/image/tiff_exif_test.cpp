#include "image/tiff_exif.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

// A big-endian TIFF with an artist, a date and a GPS directory of one rational, put together by hand.
std::string sample_tiff() {
  std::string bytes("MM\0*\0\0\0\x08", 8);
  bytes += std::string("\0\x02", 2);                               // two entries at 8
  bytes += std::string("\x01\x3B\0\x02\0\0\0\x06\0\0\0\x26", 12);  // Artist, ASCII, 6, at 38
  bytes += std::string("\x88\x25\0\x04\0\0\0\x01\0\0\0\x2C", 12);  // GPS directory at 44
  bytes += std::string("\0\0\0\0", 4);
  bytes += std::string("Alice\0", 6);                            // 38
  bytes += std::string("\0\x01", 2);                             // 44: one entry
  bytes += std::string("\0\x06\0\x05\0\0\0\x01\0\0\0\x3E", 12);  // altitude, rational, at 62
  bytes += std::string("\0\0\0\0", 4);
  bytes += std::string("\0\0\x01\x02\0\0\0\x0A", 8);  // 258 / 10
  return bytes;
}

TEST(TiffExif, BigEndianFieldsBecomeLittleEndian) {
  const std::string block = exif_from_tiff(sample_tiff());
  ASSERT_EQ(block.substr(0, 10), std::string("Exif\0\0II*\0", 10));
  EXPECT_NE(block.find("Alice"), std::string::npos);
  EXPECT_NE(block.find(std::string("\x02\x01\0\0\x0A\0\0\0", 8)), std::string::npos);
}

TEST(TiffExif, RoundTripThroughAnotherFile) {
  const std::string target("II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x07\0\0\0\0\0\0\0",
                           26);  // width 7, nothing else
  const std::string block = exif_from_tiff(sample_tiff());
  const std::string written = add_exif_to_tiff(target, block, 7, 7);
  EXPECT_EQ(written.substr(8, 18), target.substr(8));  // the old directory's bytes stay where they were
  EXPECT_EQ(exif_from_tiff(written), block);
}

TEST(TiffExif, FilesWithoutExifGiveNothingAndStayAsTheyAre) {
  const std::string target("II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x07\0\0\0\0\0\0\0", 26);
  EXPECT_TRUE(exif_from_tiff(target).empty());
  EXPECT_EQ(add_exif_to_tiff(target, "", 7, 7), target);
  EXPECT_EQ(add_exif_to_tiff(target, "Exif but not", 7, 7), target);
}

TEST(TiffExif, NoTruncationOrFlippedByteDoesHarm) {
  const std::string whole = sample_tiff();
  const std::string target("II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x07\0\0\0\0\0\0\0", 26);
  for (size_t length = 0; length < whole.size(); ++length) exif_from_tiff(whole.substr(0, length));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char value : {'\0', '\x7F', '\xFF'}) {
      std::string bent = whole;
      bent[at] = value;
      const std::string block = exif_from_tiff(bent);
      const std::string written = add_exif_to_tiff(target, block, 7, 7);
      EXPECT_EQ(written.substr(8, 18), target.substr(8));
    }
  }
}

}  // namespace
}  // namespace zsr
