// HDR photos as they are read, against the formulas that hdr_photos/make.py wrote them from, and written again.
#include "core/error.h"
#include "image/hdr.h"
#include "image/photo.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <vector>

namespace zsr {
namespace {

using ::testing::HasSubstr;

constexpr double kCode = 1.0 / 1023.0;
constexpr int64_t kHeight = 16;
constexpr int64_t kWidth = 24;

std::filesystem::path given(const std::string& name) {
  return std::filesystem::path(ZSR_SOURCE_DIR) / "tests/image/hdr_photos" / name;
}

Photo load_hdr(const std::filesystem::path& path) {
  ReadLimits limits;
  limits.hdr = true;
  return load_photo(path, limits);
}

// codes() of make.py.
torch::Tensor truth() {
  torch::Tensor values = torch::empty({1, 3, kHeight, kWidth}, torch::kFloat64);
  for (int64_t y = 0; y < kHeight; ++y) {
    for (int64_t x = 0; x < kWidth; ++x) {
      values[0][0][y][x] = static_cast<double>(50 + 30 * x) * kCode;
      values[0][1][y][x] = static_cast<double>(100 + 40 * y) * kCode;
      values[0][2][y][x] = static_cast<double>(200 + 10 * (x + y)) * kCode;
    }
  }
  return values;
}

double worst(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

struct Given {
  const char* file;
  HdrTransfer transfer;
  const Chromaticities& primaries;
  int bits;
  double tolerance;  // in codes of 10 bits
};

class GivenHdrPhoto : public testing::TestWithParam<Given> {};

TEST_P(GivenHdrPhoto, IsReadAsItWasMeant) {
  const Given& row = GetParam();
  Photo photo;
  try {
    photo = load_hdr(given(row.file));
  } catch (const InputError& error) {
    const bool avif = std::string(row.file).find(".avif") != std::string::npos;
    if (avif) GTEST_SKIP() << error.what();  // libheif without that decoder
    throw;
  }
  EXPECT_EQ(photo.range, DynamicRange::kHdr);
  EXPECT_EQ(photo.hdr.transfer, row.transfer);
  EXPECT_EQ(photo.hdr.primaries, row.primaries);
  EXPECT_EQ(photo.hdr.bits, row.bits);
  ASSERT_EQ(photo.color.sizes(), truth().sizes());
  EXPECT_LT(worst(photo.color, truth()), row.tolerance * kCode);
}

INSTANTIATE_TEST_SUITE_P(Files, GivenHdrPhoto,
                         testing::Values(Given{"pq.png", HdrTransfer::kPq, kBt2020, 16, 0.02},
                                         Given{"narrow.png", HdrTransfer::kPq, kBt2020, 16, 0.02},
                                         Given{"hlg.png", HdrTransfer::kHlg, kBt2020, 16, 0.02},
                                         Given{"profile.png", HdrTransfer::kPq, kP3D65, 16, 0.02},
                                         Given{"float.exr", HdrTransfer::kLinear, kBt709, 32, 0.001},
                                         Given{"half.exr", HdrTransfer::kLinear, kBt2020, 16, 0.1},
                                         Given{"float.tif", HdrTransfer::kLinear, kBt709, 32, 0.001},
                                         // Y', Cb and Cr are rounded to codes, of which blue takes Cb 1.88 times.
                                         Given{"pq_10.avif", HdrTransfer::kPq, kBt2020, 10, 1.5},
                                         Given{"p3_identity_12.avif", HdrTransfer::kPq, kP3D65, 12, 0.2}),
                         [](const auto& info) { return "Row" + std::to_string(info.index); });

// Away from the borders, where interpolation of halved colour is exact on ramps; the codes of the narrow range are
// coarser.
TEST(HdrPhoto, HalvedColourInNarrowRangeIsInterpolated) {
  Photo photo;
  try {
    photo = load_hdr(given("pq_420_narrow.avif"));
  } catch (const InputError& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_EQ(photo.hdr.bits, 10);
  const auto inner = [](const torch::Tensor& image) { return image.slice(2, 2, -2).slice(3, 2, -2); };
  EXPECT_LT((inner(photo.color) - inner(truth())).abs().mean().item<double>(), kCode);
  EXPECT_LT(worst(inner(photo.color), inner(truth())), 3.0 * kCode);
}

TEST(HdrPhoto, IsRefusedByWhoeverTakesValuesForSrgb) {
  for (const char* name : {"pq.png", "hlg.png", "profile.png", "float.exr", "float.tif"}) {
    try {
      load_photo(given(name));
      FAIL() << name;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
      EXPECT_THAT(error.what(), HasSubstr("is HDR"));
    }
  }
}

TEST(HdrPhoto, OpenExrStatesWhiteAndColours) {
  const Photo photo = load_hdr(given("half.exr"));
  EXPECT_DOUBLE_EQ(photo.hdr.white, 100.0);
  EXPECT_EQ(load_hdr(given("float.exr")).hdr.white, kHdrWhite);
  EXPECT_EQ(read_photo_header(given("float.exr")).width, kWidth);
}

TEST(HdrPhoto, AlphaOfOpenExrDimsNothing) {
  const Photo photo = load_hdr(given("alpha.exr"));
  ASSERT_TRUE(photo.alpha.defined());
  EXPECT_EQ(photo.alpha[0][0][3][20].item<double>(), 0.25);
  EXPECT_LT(worst(photo.color, truth()), 0.001 * kCode);
}

TEST(HdrPhoto, StrangeLightIsMendedAndSaid) {
  const Photo photo = load_hdr(given("strange.exr"));
  const std::string notes = testing::PrintToString(photo.notes);
  EXPECT_THAT(notes, HasSubstr("1 values are no numbers"));
  EXPECT_THAT(notes, HasSubstr("negative, down to -0.5"));
  EXPECT_THAT(notes, HasSubstr("light up to 4.06e+04 cd/m2"));
  EXPECT_NEAR(photo.hdr.exposure, 10000.0 / (200.0 * 203.0), 1e-9);
  EXPECT_NEAR(photo.color[0][0][0][0].item<double>(), 0.0, 1e-6);  // PQ of black is 7.3e-7
  EXPECT_NEAR(photo.color[0][1][1][0].item<double>(), 0.0, 1e-6);
  // The light itself comes back.
  const torch::Tensor light = light_of(photo.color, photo.hdr);
  EXPECT_NEAR(light[0][2][2][3].item<double>() / (200.0 * 203.0), 1.0, 1e-4);
  const double right = light_of_pq(truth())[0][0][9][11].item<double>();
  EXPECT_NEAR(light[0][0][9][11].item<double>() / right, 1.0, 1e-4);
}

TEST(HdrPhoto, LightBeyondFourStopsIsClipped) {
  torch::Tensor linear = torch::full({1, 3, 4, 4}, 0.5F);
  linear[0][0][0][0] = 60000.0F;
  HdrCoding coding{HdrTransfer::kLinear, kBt709};
  std::vector<std::string> notes;
  const torch::Tensor values = values_of_linear(linear, coding, "sun.exr", notes);
  EXPECT_DOUBLE_EQ(coding.exposure, 1.0 / 16.0);
  EXPECT_THAT(testing::PrintToString(notes), HasSubstr("are clipped"));
  EXPECT_EQ(values.max().item<double>(), 1.0);
}

// BT.2100, table 5: reference white of HLG (75 %) is 203 cd/m2 on a display of 1000 (BT.2408).
TEST(HdrPhoto, HlgIsShownOnADisplayOf1000) {
  HdrCoding coding;
  coding.transfer = HdrTransfer::kHlg;
  const auto gray = [&](double value) {
    return light_of(torch::full({1, 3, 1, 1}, value), coding)[0][1][0][0].item<double>();
  };
  EXPECT_NEAR(gray(1.0), 1000.0, 0.5);
  EXPECT_NEAR(gray(0.75), 203.0, 1.0);
  EXPECT_EQ(gray(0.0), 0.0);
}

class HdrRoundTrip : public testing::Test {
 protected:
  std::filesystem::path saved(const Photo& photo, const std::string& name) const {
    WriteOptions options;
    options.format = format_from_name(name);
    options.encode.quality = 100;
    save_photo(photo, dir_ / name, options);
    return dir_ / name;
  }
  test::TempDir dir_;
};

TEST_F(HdrRoundTrip, KeepsLightAndCodingInEveryFormat) {
  for (const char* source : {"pq.png", "hlg.png", "profile.png", "float.exr", "half.exr", "float.tif"}) {
    const Photo photo = load_hdr(given(source));
    for (const std::string name : {"a.png", "a.tif", "a.exr", "a.avif", "a.heic"}) {
      const ImageFormat format = format_from_name(name);
      if (!is_writable(format, DynamicRange::kHdr)) continue;
      const Photo read = load_hdr(saved(photo, std::string(source) + name));
      const HdrCoding wanted = coding_in(format, photo.hdr);
      EXPECT_EQ(read.hdr.transfer, wanted.transfer) << source << name;
      EXPECT_EQ(read.hdr.bits, hdr_bit_depth(format, 0, photo.hdr)) << source << name;
      EXPECT_TRUE(std::equal(read.hdr.primaries.begin(), read.hdr.primaries.end(), photo.hdr.primaries.begin(),
                             [](double a, double b) { return std::abs(a - b) < 1e-6; }))
          << source << name;
      const torch::Tensor before = pq_of_light(light_of(photo.color, photo.hdr));
      const torch::Tensor after = pq_of_light(light_of(read.color, read.hdr));
      const double tolerance = read.hdr.bits == 10 ? 2.0 : read.hdr.bits == 12 ? 0.6 : 0.2;
      const double hlg = photo.hdr.transfer == HdrTransfer::kHlg ? 2.0 : 1.0;  // its codes are coarser in the dark
      EXPECT_LT(worst(before, after), tolerance * hlg * kCode) << source << name;
    }
  }
}

TEST_F(HdrRoundTrip, ExposureIsUndone) {
  const Photo photo = load_hdr(given("strange.exr"));
  const Photo again = load_hdr(saved(photo, "a.exr"));
  EXPECT_NEAR(again.hdr.exposure, photo.hdr.exposure, 1e-6);
  EXPECT_LT(worst(again.color, photo.color), 0.01 * kCode);
  // Elsewhere light ends at 10000 cd/m2.
  const Photo png = load_hdr(saved(photo, "a.png"));
  EXPECT_EQ(png.color.max().item<double>(), 1.0);
  EXPECT_NEAR(png.color[0][0][9][11].item<double>(), truth()[0][0][9][11].item<double>(), 0.05 * kCode);
}

TEST_F(HdrRoundTrip, UncommonPrimariesStayInOpenExr) {
  Photo photo = load_hdr(given("float.exr"));
  photo.hdr.primaries = {0.32168, 0.33767, 0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077};  // ACES, ST 2065-1
  const Photo exr = load_hdr(saved(photo, "aces.exr"));
  EXPECT_NEAR(exr.hdr.primaries[7], -0.077, 1e-6);
  EXPECT_LT(worst(exr.color, photo.color), 0.01 * kCode);
  const Photo png = load_hdr(saved(photo, "aces.png"));
  EXPECT_EQ(png.hdr.primaries, kBt2020);
}

TEST_F(HdrRoundTrip, CutExrFilesAreRefused) {
  std::ifstream stream(given("half.exr"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  for (size_t size = 4; size < bytes.size(); size += 97) {
    std::ofstream(dir_ / "cut.exr", std::ios::binary) << bytes.substr(0, size);
    EXPECT_THROW(load_hdr(dir_ / "cut.exr"), InputError) << size;
  }
  // A size that no memory holds is known from the header.
  std::string huge = bytes;
  const size_t at = huge.find("dataWindow");
  ASSERT_NE(at, std::string::npos);
  const size_t window = at + std::string("dataWindow").size() + 1 + std::string("box2i").size() + 1 + 4;
  for (const size_t corner : {window + 8, window + 12}) huge.replace(corner, 4, std::string("\xFF\xFF\xFF\x3F", 4));
  std::ofstream(dir_ / "huge.exr", std::ios::binary) << huge;
  EXPECT_THROW(load_hdr(dir_ / "huge.exr"), InputError);
}

TEST_F(HdrRoundTrip, FloatsWithACurveAreRefused) {
  Photo photo = load_hdr(given("float.tif"));
  EXPECT_THAT(testing::PrintToString(photo.notes), HasSubstr("no colour profile"));
  const Photo again = load_hdr(saved(photo, "a.tif"));
  EXPECT_TRUE(again.notes.empty());
  EXPECT_EQ(again.hdr.transfer, HdrTransfer::kLinear);
  // ICC profile of a curve in a file of floats: the straight curve (function type 0, exponent 1) gets exponent 2.
  std::ifstream stream(dir_ / "a.tif", std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const std::string straight("para\0\0\0\0\0\0\0\0\0\1\0\0", 16);
  const size_t at = bytes.find(straight);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 13] = 2;
  std::ofstream(dir_ / "curve.tif", std::ios::binary) << bytes;
  try {
    load_hdr(dir_ / "curve.tif");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("not one of linear light"));
  }
}

}  // namespace
}  // namespace zsr
