// Camera raw files: developed at their own size, enlarged, and refused with one line where they are no good.
#include "degradations/mosaic.h"
#include "image/metrics.h"
#include "image/photo_codec.h"
#include "image/resize.h"
#include "raw/dng.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class DevelopCommand : public testing::Test {
 protected:
  void SetUp() override {
    photo_ = load_photo(example("coffee_192x128.png")).color;
    write_bytes(dir_ / "shot.dng", mosaic_dng(sensor_mosaic(photo_, kStep), kStep));
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  // PSNR of all colours together, without the border.
  double psnr_of(const std::string& file) const {
    const torch::Tensor made = load_photo(dir_ / file).color;
    const auto inside = [](const torch::Tensor& image) { return image.slice(2, 8, -8).slice(3, 8, -8); };
    return -10.0 * std::log10((inside(made) - inside(photo_)).square().mean().item<double>());
  }
  static constexpr MosaicStep kStep{
      .phase = MosaicPhase::kGrbg, .red_gain = 2.0, .blue_gain = 1.5, .shot = 0.002, .read = 0.003, .seed = 5};
  torch::Tensor photo_;
  TempDir dir_;
};

TEST_F(DevelopCommand, WritesSixteenBitsWithProfileBesideTheFile) {
  const ProgramResult result = run_zsr({"develop", at("shot.dng"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto record = nlohmann::json::parse(result.out);
  EXPECT_EQ(record["mosaic"], "GRBG");
  EXPECT_EQ(record["width"], 192);
  // What the noise was made with.
  EXPECT_NEAR(record["noise"]["gain"].get<double>(), 0.002, 0.0008);
  const PhotoHeader header = read_photo_header(dir_ / "shot.png");
  EXPECT_EQ(header.bit_depth, 16);
  EXPECT_GT(header.icc_bytes, 300U);
  EXPECT_GT(header.exif_bytes, 0U);
  EXPECT_NE(run_zsr({"develop", at("shot.dng")}).code, 0);  // it is there already
}

TEST_F(DevelopCommand, DefaultBeatsTheBaselines) {
  for (const char* const method : {"auto", "closed", "bilinear", "ahd"}) {
    ASSERT_EQ(run_zsr({"develop", at("shot.dng"), "-o", at(std::string(method) + ".png"), "--demosaic", method}).code,
              0);
  }
  EXPECT_GT(psnr_of("auto.png"), psnr_of("bilinear.png") + 2.0);
  EXPECT_GT(psnr_of("auto.png"), psnr_of("ahd.png") + 2.0);
  EXPECT_GT(psnr_of("closed.png"), psnr_of("ahd.png") + 2.0);
}

TEST_F(DevelopCommand, ColorSpacesAndFormats) {
  ASSERT_EQ(run_zsr({"develop", at("shot.dng"), "-o", at("p3.tif"), "--color-space", "display-p3"}).code, 0);
  ASSERT_EQ(run_zsr({"develop", at("shot.dng"), "-o", at("linear.png"), "--color-space", "linear"}).code, 0);
  ASSERT_EQ(run_zsr({"develop", at("shot.dng"), "-o", at("srgb.png"), "--bit-depth", "8"}).code, 0);
  EXPECT_EQ(read_photo_header(dir_ / "srgb.png").bit_depth, 8);
  const torch::Tensor linear = load_photo(dir_ / "linear.png").color;
  const torch::Tensor encoded = load_photo(dir_ / "srgb.png").color;
  // sRGB's curve.
  const torch::Tensor wanted = linear.clamp_min(0.0031308).pow(1.0 / 2.4).mul(1.055).sub(0.055);
  const torch::Tensor off = (wanted - encoded).abs().masked_select(linear.gt(0.0031308));
  EXPECT_LT(off.max().item<double>(), 0.004);
}

TEST_F(DevelopCommand, TwiceTheSizeInOneStep) {
  write_bytes(dir_ / "half.dng", mosaic_dng(sensor_mosaic(imresize(photo_, {0.5, 0.5}).clamp(0.0, 1.0), kStep), kStep));
  ASSERT_EQ(run_zsr({"develop", at("half.dng"), "-s", "2", "-o", at("joint.png")}).code, 0);
  ASSERT_EQ(run_zsr({"develop", at("half.dng"), "-o", at("small.png")}).code, 0);
  ASSERT_EQ(run_zsr({"upscale", at("small.png"), "-s", "2", "-m", "bicubic", "-o", at("after.png")}).code, 0);
  EXPECT_GT(psnr_of("joint.png"), psnr_of("after.png") + 0.5);
  // What 'upscale' does by itself where nothing is asked of a method.
  const ProgramResult result = run_zsr({"upscale", at("half.dng"), "-s", "2", "-o", at("up.png"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(torch::equal(load_photo(dir_ / "up.png").color, load_photo(dir_ / "joint.png").color));
  const auto record = nlohmann::json::parse(result.out);
  EXPECT_EQ(record["method"], "demosaic-x2");
  EXPECT_EQ(record["scale"]["x"], 2.0);
  EXPECT_EQ(record["input_size"]["width"], 96);
  ASSERT_EQ(run_zsr({"upscale", at("half.dng"), "-s", "2", "-m", "edsr", "-o", at("edsr.png")}).code, 0);
  EXPECT_FALSE(torch::equal(load_photo(dir_ / "edsr.png").color, load_photo(dir_ / "joint.png").color));
  const ProgramResult three = run_zsr({"develop", at("half.dng"), "-s", "3", "-o", at("three.png")});
  EXPECT_EQ(three.code, 2);
  EXPECT_NE(three.err.find("--scale 3 must be 1 or 2"), std::string::npos) << three.err;
  EXPECT_EQ(run_zsr({"develop", at("half.dng"), "-s", "2", "--demosaic", "ahd", "-o", at("ahd2.png")}).code, 2);
}

TEST_F(DevelopCommand, UpscaleTakesRawFiles) {
  const ProgramResult result = run_zsr({"upscale", at("shot.dng"), "-s", "2", "-m", "bicubic", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto record = nlohmann::json::parse(result.out);
  EXPECT_EQ(record["developed"]["mosaic"], "GRBG");
  EXPECT_EQ(read_photo_header(dir_ / "shot_x2.png").width, 384);
  EXPECT_EQ(run_zsr({"upscale", at("shot.dng"), "--width", "300", "-m", "bicubic"}).code, 0);
}

TEST_F(DevelopCommand, TakesFoldersAndKeepsTheirPhotosApart) {
  fs::create_directories(dir_ / "in");
  for (const char* const name : {"in/a.dng", "in/a.nef", "in/b.DNG"}) fs::copy_file(dir_ / "shot.dng", dir_ / name);
  make_photo(dir_ / "in/c.png", 3, 20, 24);
  const ProgramResult result =
      run_zsr({"develop", at("in"), "-o", at("made"), "--demosaic", "bilinear", "--json", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).size(), 3U);
  for (const char* const name : {"made/a_dng.png", "made/a_nef.png", "made/b.png"}) {
    EXPECT_TRUE(fs::exists(dir_ / name)) << name;
  }
  EXPECT_FALSE(fs::exists(dir_ / "made/c.png"));
  EXPECT_EQ(run_zsr({"develop", at("in"), "-q"}).code, 2);
  fs::create_directories(dir_ / "empty");
  EXPECT_NE(run_zsr({"develop", at("empty"), "-o", at("none")}).err.find("no camera raw files"), std::string::npos);
}

TEST_F(DevelopCommand, UpscaleTakesTheRawFilesOfAFolder) {
  fs::create_directories(dir_ / "in");
  for (const char* const name : {"in/a.dng", "in/b.DNG"}) fs::copy_file(dir_ / "shot.dng", dir_ / name);
  make_photo(dir_ / "in/c.png", 3, 20, 24);
  write_bytes(dir_ / "in/notes.txt", "x");
  const ProgramResult result = run_zsr(by_bicubic({"upscale", at("in"), "-o", at("large")}));
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* const name : {"a.png", "b.png"}) {
    EXPECT_EQ(read_photo_header(dir_ / "large" / name).width, 384) << name;
  }
  EXPECT_TRUE(fs::exists(dir_ / "large/c.png"));
  EXPECT_NE(result.err.find("1 other files left out"), std::string::npos) << result.err;
}

TEST_F(DevelopCommand, SeveralGoIntoAFolder) {
  fs::copy_file(dir_ / "shot.dng", dir_ / "other.dng");
  write_bytes(dir_ / "bad.dng", read_bytes(dir_ / "shot.dng").substr(0, 5000));
  const ProgramResult result = run_zsr(
      {"develop", at("shot.dng"), at("bad.dng"), at("other.dng"), "-o", at("made") + "/", "--demosaic", "bilinear"});
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(fs::exists(dir_ / "made" / "shot.png"));
  EXPECT_TRUE(fs::exists(dir_ / "made" / "other.png"));
  EXPECT_FALSE(fs::exists(dir_ / "made" / "bad.png"));
  EXPECT_EQ(run_zsr({"develop", at("shot.dng"), at("other.dng"), "-o", at("one.png")}).code, 2);
}

TEST_F(DevelopCommand, TwoPhotosOfOneNameAreRefusedBeforeTheWork) {
  fs::create_directories(dir_ / "other");
  fs::copy_file(dir_ / "shot.dng", dir_ / "other/shot.dng");
  const ProgramResult result = run_zsr({"develop", at("shot.dng"), at("other/shot.dng"), "-o", at("made/"), "--force"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("would both be"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(dir_ / "made"));
}

TEST_F(DevelopCommand, JsonAndThePhotoDoNotShareStandardOutput) {
  const ProgramResult result = run_zsr({"develop", at("shot.dng"), "--json", "-o", "-"});
  EXPECT_EQ(result.code, 2);
  EXPECT_TRUE(result.out.empty());
}

TEST_F(DevelopCommand, BadInputIsOneLineAndLeavesNothing) {
  write_bytes(dir_ / "cut.dng", read_bytes(dir_ / "shot.dng").substr(0, 9000));
  make_photo(dir_ / "photo.png", 3, 20, 24);
  const auto names = dir_.names();
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const char* word) {
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(dir_.names(), names);
  };
  refused({"develop", at("cut.dng")}, 1, "cut short");
  refused({"develop", at("photo.png"), "-o", at("x.png")}, 1, "not a camera raw file");
  refused({"develop", at("none.dng")}, 1, "none.dng");
  refused({"develop", at("shot.dng"), "--demosaic", "vng"}, 2, "--demosaic 'vng'");
  refused({"develop", at("shot.dng"), "--color-space", "adobe"}, 2, "--color-space 'adobe'");
  refused({"develop", at("shot.dng"), "--max-pixels", "1000"}, 1, "--max-pixels");
  refused({"develop", at("shot.dng"), "-o", at("x.xyz")}, 2, "xyz");
  refused({"develop", dir_.path().string()}, 2, "is a folder; name a folder for the results");
  refused({"upscale", at("cut.dng"), "-m", "bicubic", "-q"}, 1, "cut short");
  refused({"upscale", at("photo.png"), "--weights", "demosaic-x1", "-q"}, 2, "zsr develop");
}

}  // namespace
}  // namespace zsr::test
