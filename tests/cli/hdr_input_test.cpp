// zsr upscale, info and the refusals of other commands with HDR photos.
#include "image/hdr.h"
#include "image/photo.h"
#include "image/resize.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>
#include <gmock/gmock.h>

namespace zsr::test {
namespace {

using ::testing::HasSubstr;

std::string given_hdr(const std::string& name) {
  return (std::filesystem::path(ZSR_SOURCE_DIR) / "tests/image/hdr_photos" / name).string();
}

Photo load_hdr_file(const std::filesystem::path& path) {
  ReadLimits limits;
  limits.hdr = true;
  return load_photo(path, limits);
}

class HdrInput : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  TempDir dir_;
};

TEST_F(HdrInput, IsEnlargedInItsOwnCoding) {
  for (const std::string source : {"pq.png", "hlg.png", "float.exr", "float.tif", "half.exr"}) {
    const std::string name = "large_" + source;
    const ProgramResult made =
        run_zsr({"upscale", given_hdr(source), "-m", "bicubic", "-s", "2", "-o", at(name), "--json", "-q"});
    ASSERT_EQ(made.code, 0) << made.err;
    const Photo before = load_hdr_file(given_hdr(source));
    const Photo after = load_hdr_file(dir_ / name);
    EXPECT_EQ(after.hdr.transfer, before.hdr.transfer) << source;
    EXPECT_EQ(after.hdr.bits, before.hdr.bits) << source;
    const torch::Tensor expected = imresize(before.color, {2.0, 2.0}).clamp(0.0, 1.0);
    EXPECT_LT((after.color - expected).abs().max().item<double>(), 0.2 / 1023.0) << source;
    const auto record = nlohmann::json::parse(made.out);
    EXPECT_EQ(record["hdr"]["transfer"], to_string(before.hdr.transfer)) << source;
    EXPECT_EQ(record["hdr"]["primaries"], primaries_name(before.hdr.primaries)) << source;
    EXPECT_EQ(record["hdr"]["file"]["bits"], before.hdr.bits) << source;
    EXPECT_GT(record["hdr"]["peak_cd_m2"], record["hdr"]["mean_cd_m2"]) << source;
  }
}

// Networks ring beside black, and behind PQ a ring would be a spark.
TEST_F(HdrInput, NoSparksBesideBlack) {
  Photo photo;
  photo.color = torch::full({1, 3, 32, 32}, 0.5F);
  photo.color.slice(2, 10, 20).slice(3, 12, 15).zero_();
  photo.range = DynamicRange::kHdr;
  save_photo(photo, dir_ / "dark.png", {});
  for (const std::string method : {"bicubic", "edsr"}) {
    ASSERT_EQ(run_zsr({"upscale", at("dark.png"), "-m", method, "-s", "2", "-o", at(method + ".png"), "-q"}).code, 0);
    EXPECT_LT(load_hdr_file(dir_ / (method + ".png")).color.max().item<double>(), 0.5501) << method;
  }
}

TEST_F(HdrInput, TheDefaultNeverRestores) {
  const ProgramResult made = run_zsr({"upscale", given_hdr("pq.png"), "-s", "2", "-o", at("a.exr"), "--json", "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto record = nlohmann::json::parse(made.out);
  EXPECT_EQ(record["method"], "zssr");
  EXPECT_FALSE(record.contains("condition"));
  EXPECT_EQ(record["hdr"]["file"]["transfer"], "linear");
}

TEST_F(HdrInput, WhatCannotHoldItIsSaidBeforeTheWork) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::vector<std::string>& words) {
    const std::vector<std::string> before = dir_.names();
    const ProgramResult made = run_zsr(arguments);
    EXPECT_NE(made.code, 0);
    for (const std::string& word : words) EXPECT_THAT(made.err, HasSubstr(word));
    EXPECT_EQ(dir_.names(), before);
  };
  const std::string photo = given_hdr("pq.png");
  refused({"upscale", photo, "-o", at("a.jpg"), "-q"}, {"a.jpg", "HDR", "avif, heic, png, tiff or exr"});
  refused({"upscale", photo, "-o", at("a.png"), "--bit-depth", "8", "-q"}, {"bit depth 8", "HDR"});
  refused({"upscale", photo, "-o", at("a.exr"), "--bit-depth", "12", "-q"}, {"bit depth 12", "16 or 32"});
  refused({"upscale", photo, "-s", "1", "-o", at("a.png"), "-q"}, {"pq.png", "is HDR", "restoration"});
  refused({"upscale", photo, "-m", "restore", "-o", at("a.png"), "-q"}, {"pq.png", "is HDR", "restoration"});
  refused({"compare", photo, "-o", at("a.html"), "-q"}, {"pq.png", "is HDR"});
  refused({"degrade", photo, "-o", dir_.path().string(), "-q"}, {"pq.png", "is HDR"});
}

TEST_F(HdrInput, IsDescribed) {
  const ProgramResult text = run_zsr({"info", given_hdr("profile.png")});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("HDR: primaries P3-D65, transfer PQ, 16 bits"));
  EXPECT_THAT(text.out, HasSubstr("peak"));
  const auto json = nlohmann::json::parse(run_zsr({"info", given_hdr("half.exr"), "--json"}).out);
  EXPECT_EQ(json["hdr"]["primaries"], "BT.2020");
  EXPECT_EQ(json["hdr"]["transfer"], "linear");
  EXPECT_EQ(json["hdr"]["white_cd_m2"], 100.0);
  EXPECT_FALSE(json.contains("condition"));
}

TEST_F(HdrInput, IsMeasuredInLight) {
  ASSERT_EQ(run_zsr({"upscale", given_hdr("pq.png"), "-m", "bicubic", "-o", at("a.png"), "-q"}).code, 0);
  ASSERT_EQ(run_zsr({"upscale", given_hdr("pq.png"), "-m", "bicubic", "-o", at("a.exr"), "-q"}).code, 0);
  const ProgramResult made = run_zsr({"eval", "-r", at("a.png"), "-i", at("a.exr"), "--metrics", "hdr", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto mean = nlohmann::json::parse(made.out)["mean"];
  EXPECT_GT(mean["psnr_pq"], 75.0);  // half floats
  EXPECT_GT(mean["psnr_pu21"], 60.0);
  EXPECT_NE(run_zsr({"eval", "-r", at("a.png"), "-i", at("a.exr")}).code, 0);
  EXPECT_THAT(run_zsr({"eval", "-r", at("a.png"), "-i", at("a.exr"), "--metrics", "hdr,psnr"}).err,
              HasSubstr("stands alone"));
  make_photo(dir_ / "linear.png", 3, 24, 30);
  const ProgramResult linear =
      run_zsr({"eval", "-r", at("linear.png"), "-i", at("linear.png"), "--metrics", "linear", "--json"});
  ASSERT_EQ(linear.code, 0) << linear.err;
  EXPECT_THAT(linear.err, HasSubstr("no profile of linear light"));
  EXPECT_EQ(nlohmann::json::parse(linear.out)["mean"]["inf"], true);
}

TEST_F(HdrInput, GainMapsAreEnlargedToo) {
  const ProgramResult made =
      run_zsr({"upscale", given_hdr("gain_map.jpg"), "-m", "bicubic", "-s", "2", "-o", at("a.jpg"), "--json", "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(nlohmann::json::parse(made.out)["gain_map"]["height"], 64);
  EXPECT_THAT(run_zsr({"info", at("a.jpg")}).out, HasSubstr("HDR gain map of 48x64"));
  const ProgramResult png =
      run_zsr({"upscale", given_hdr("gain_map.jpg"), "-m", "bicubic", "-s", "2", "-o", at("a.png"), "-q"});
  EXPECT_THAT(png.err, HasSubstr("the HDR gain map"));
}

TEST_F(HdrInput, OfAFolderKeepsItsFormat) {
  std::filesystem::create_directory(dir_ / "in");
  for (const char* name : {"float.exr", "pq.png"}) {
    std::filesystem::copy_file(given_hdr(name), dir_ / "in" / name);
  }
  const ProgramResult made = run_zsr({"upscale", at("in"), "-m", "bicubic", "-o", at("out"), "-q"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(load_hdr_file(dir_ / "out" / "float.exr").hdr.bits, 32);
  EXPECT_EQ(load_hdr_file(dir_ / "out" / "pq.png").hdr.transfer, HdrTransfer::kPq);
}

}  // namespace
}  // namespace zsr::test
