// Networks from photos to HDR run and write HDR files; they cannot be trained.
#include "image/photo.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>

namespace zsr::test {
namespace {

Photo load_hdr(const std::filesystem::path& path) {
  ReadLimits limits;
  limits.hdr = true;
  return load_photo(path, limits);
}

class HdrNetwork : public testing::Test {
 protected:
  void SetUp() override {
    const networks::Kind& kind = *networks::find_kind("fdan");
    const nn::Graph graph = kind.graph(kind.configured(2, {{"width", 16}, {"depth", 1}}));
    Random random(1);
    write_safetensors(dir_ / "fdan.safetensors", nn::to_weights(graph, nn::initial_values(graph, random)),
                      Overwrite::kNo);
    make_photo(dir_ / "photo.png", 3, 40, 50);
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  // In one line that has every one of `words`; nothing is written.
  void expect_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words) const {
    const std::vector<std::string> before = dir_.names();
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    for (const std::string& word : words) EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(dir_.names(), before);
  }
  TempDir dir_;
};

TEST_F(HdrNetwork, WritesHdrFiles) {
  for (const std::string name : {"a.png", "a.tif", "a.exr", "a.avif", "a.heic"}) {
    const ImageFormat format = format_from_name(name);
    if (!is_writable(format, DynamicRange::kHdr)) continue;
    const ProgramResult made =
        run_zsr({"upscale", at("photo.png"), "--weights", at("fdan.safetensors"), "-o", at(name), "--json", "-q"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto record = nlohmann::json::parse(made.out);
    EXPECT_EQ(record["method"], "fdan");
    EXPECT_EQ(record["hdr"]["primaries"], "BT.2020");
    EXPECT_EQ(record["hdr"]["transfer"], "PQ");
    EXPECT_GE(record["hdr"]["peak_cd_m2"], record["hdr"]["mean_cd_m2"]);
    EXPECT_EQ(record["bit_depth"], hdr_bit_depth(format, 0)) << name;
    const Photo read = load_hdr(dir_ / name);
    EXPECT_EQ(read.color.size(2), 80);
    EXPECT_EQ(read.color.size(3), 100);
    const bool linear = format == ImageFormat::kExr;
    EXPECT_EQ(read.hdr.transfer, linear ? HdrTransfer::kLinear : HdrTransfer::kPq) << name;
    EXPECT_EQ(record["hdr"]["file"]["transfer"], linear ? "linear" : "PQ") << name;
  }
}

TEST_F(HdrNetwork, TakesGrayTransparentAndDeepPhotos) {
  Photo photo;
  photo.color = torch::rand({1, 1, 24, 30});
  photo.alpha = torch::rand({1, 1, 24, 30});
  photo.bit_depth = 16;
  save_photo(photo, dir_ / "gray.png", {});
  const ProgramResult made = run_zsr({"fdan", at("gray.png"), "--weights", at("fdan.safetensors"), "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Photo read = load_hdr(dir_ / "gray_x2.png");
  EXPECT_EQ(read.hdr.transfer, HdrTransfer::kPq);
  EXPECT_EQ(read.color.size(1), 3);
  EXPECT_TRUE(read.alpha.defined());
  EXPECT_EQ(read.bit_depth, 16);
}

TEST_F(HdrNetwork, RefusesWhatHoldsNoHdr) {
  const std::vector<std::string> run = {"upscale", at("photo.png"), "--weights", at("fdan.safetensors"), "-q"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = run;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  for (const std::string name : {"b.jpg", "b.webp", "b.bmp", "b.gif", "b.ppm", "b.jxl"}) {
    expect_refused(with({"-o", at(name)}), {name, "HDR", "avif, heic, png, tiff or exr"});
  }
  expect_refused(with({"--format", "webp"}), {"--format 'webp'", "HDR"});
  expect_refused(with({"--name", "{stem}_hdr.jpg"}), {"--name", "HDR"});
  expect_refused(with({"-o", at("b.png"), "--bit-depth", "8"}), {"--bit-depth 8", "HDR"});
  expect_refused(with({"-o", at("b.png"), "--bit-depth", "10"}), {"10", "png", "16 bits"});
  expect_refused(with({"-o", at("b.png"), "-s", "3"}), {"fdan.safetensors", "once"});
  expect_refused(with({"-o", at("b.png"), "--back-projection", "5"}), {"back-projection"});
  expect_refused(with({"-o", at("b.png"), "--pages", "all"}), {"--pages"});
  expect_refused(with({"-o", at("b.png"), "-m", "edsr"}), {"use -m fdan"});
  expect_refused({"upscale", at("photo.png"), "-m", "bicubic", "-o", at("b.exr"), "-q"}, {"b.exr", "HDR"});
  expect_refused({"upscale", at("photo.png"), "-m", "bicubic", "-o", at("b.avif"), "--bit-depth", "10", "-q"},
                 {"--bit-depth 10", "HDR"});
  expect_refused({"compare", at("photo.png"), "-m", "bicubic,fdan=" + at("fdan.safetensors"), "-o", at("c.html")},
                 {"fdan", "HDR"});
}

TEST_F(HdrNetwork, RefusesPhotosThatAreHdrAlready) {
  Photo photo;
  photo.color = torch::rand({1, 3, 24, 30});
  photo.range = DynamicRange::kHdr;
  save_photo(photo, dir_ / "pq.png", {});
  const ProgramResult made =
      run_zsr({"upscale", at("pq.png"), "--weights", at("fdan.safetensors"), "-o", at("b.png"), "-q"});
  EXPECT_NE(made.code, 0);
  EXPECT_NE(made.err.find("pq.png"), std::string::npos) << made.err;
  EXPECT_NE(made.err.find("HDR already (marked as PQ)"), std::string::npos) << made.err;
  EXPECT_FALSE(std::filesystem::exists(dir_ / "b.png"));
}

TEST_F(HdrNetwork, NamesResultsOfAFolder) {
  std::filesystem::create_directory(dir_ / "in");
  make_photo(dir_ / "in" / "a.jpg", 3, 24, 30);
  make_photo(dir_ / "in" / "b.png", 3, 24, 30);
  const ProgramResult made = run_zsr({"upscale", at("in"), "--weights", at("fdan.safetensors"), "-o", at("out"), "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  const bool avif = is_writable(ImageFormat::kAvif, DynamicRange::kHdr);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out" / (avif ? "a.avif" : "a.png")));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out" / "b.png"));
}

TEST_F(HdrNetwork, IsDescribed) {
  const ProgramResult text = run_zsr({"weights", "info", at("fdan.safetensors")});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("x2, Y'CbCr of BT.709 to Y'CbCr of BT.2020 (PQ)"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("-m fdan"), std::string::npos) << text.out;
  const auto json = nlohmann::json::parse(run_zsr({"weights", "info", at("fdan.safetensors"), "--json"}).out);
  EXPECT_EQ(json["network"]["method"], "fdan");
  EXPECT_EQ(json["network"]["hdr"], true);
}

TEST_F(HdrNetwork, ConvertsToOnnx) {
  const ProgramResult made = run_zsr({"weights", "convert", at("fdan.safetensors"), "-o", at("fdan.onnx")});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(read_bytes(dir_ / "fdan.onnx").find("Y'CbCr of BT.2020 behind the PQ curve"), std::string::npos);
}

TEST_F(HdrNetwork, IsNotTrained) {
  expect_refused({"train", "fdan", dir_.path().string(), "-o", at("w.safetensors")},
                 {"fdan cannot be trained", "pairs of photos and HDR images"});
  EXPECT_EQ(run_zsr({"train", "magic"}).err.find("fdan"), std::string::npos);
  EXPECT_EQ(run_zsr({"train", "edsr", "--help"}).out.find("fdan"), std::string::npos);
  const auto list = nlohmann::json::parse(run_zsr({"train", "--list", "--json"}).out)["networks"];
  for (const auto& row : list) {
    const std::string name = row["network"];
    const bool alone = name != "fdan" && name != "dsgan" && name != "high-to-low" && name != "cincgan";
    EXPECT_EQ(row["trained"], alone) << name;
  }
}

}  // namespace
}  // namespace zsr::test
