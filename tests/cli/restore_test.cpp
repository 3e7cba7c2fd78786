#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class RestoreCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    clean_ = load_photo(example("coffee_192x128.png"));
    Photo noisy = clean_;
    torch::manual_seed(4);
    noisy.color = (noisy.color + torch::randn_like(noisy.color) * (15.0 / 255.0)).clamp(0.0, 1.0);
    save_photo(noisy, dir_ / "noisy.png", {});
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  nlohmann::json record(std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.end(), {"-o", at(output), "--force", "-q", "-j", "1", "--json"});
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }
  void expect_refused(std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.end(), {"-o", at("refused.png"), "-q", "-j", "1"});
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "refused.png"));
  }

  Photo clean_;
  TempDir dir_;
};

TEST_F(RestoreCommand, KeepsTheSizeAndCleans) {
  const auto json = record({"restore", at("noisy.png"), "--detail", "0", "--grain", "0"}, "o.png");
  EXPECT_EQ(json["method"], "restore");
  EXPECT_EQ(json["output_size"], json["input_size"]);
  EXPECT_NEAR(json["condition"]["chroma_noise"].get<double>(), 15.0, 3.0);
  const torch::Tensor made = load_photo(dir_ / "o.png").color;
  const torch::Tensor noisy = load_photo(dir_ / "noisy.png").color;
  const double before = (noisy - clean_.color).square().mean().item<double>();
  EXPECT_LT((made - clean_.color).square().mean().item<double>(), 0.4 * before);
}

TEST_F(RestoreCommand, UpscaleChoosesItForDamagedPhotosAlone) {
  EXPECT_EQ(record({"upscale", at("noisy.png"), "-s", "2"}, "o.png")["method"], "restore");
  EXPECT_EQ(record({"upscale", example("coffee_192x128.png"), "-s", "2"}, "o.png")["method"], "zssr");
}

TEST_F(RestoreCommand, UpscaleDoesNotChooseWhereTheUserNamedSomething) {
  const auto named = record({"upscale", at("noisy.png"), "-s", "2", "--kernel", "bicubic", "--noise", "0", "--steps",
                             "2", "--channels", "16", "--depth", "3", "--ensemble", "off"},
                            "o.png");
  EXPECT_EQ(named["method"], "zssr");
  EXPECT_FALSE(named.contains("condition"));
}

TEST_F(RestoreCommand, TheFlagsReachTheRecord) {
  const auto json = record({"upscale", at("noisy.png"), "-s", "1.5", "--strength", "0.4", "--detail", "0.6",
                            "--denoise", "0.5", "--dejpeg", "0", "--grain", "keep"},
                           "o.png");
  const auto& done = json["restoration"];
  EXPECT_EQ(done["strength"], 0.4);
  EXPECT_EQ(done["detail"], 0.6);
  EXPECT_EQ(done["grain"], 1.0);
  EXPECT_EQ(done["network_scale"], 2);
  EXPECT_EQ(done["given"]["jpeg_quality"], 100.0);
  EXPECT_NEAR(done["given"]["noise"].get<double>(), 7.5, 2.0);
  EXPECT_EQ(json["output_size"]["width"], 288);
}

TEST_F(RestoreCommand, TheScaleOneIsRestoration) {
  const ProgramResult result = run_zsr({"upscale", at("noisy.png"), "-s", "1", "-q", "-j", "1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(dir_ / "noisy_restored.png")) << result.out;
}

TEST_F(RestoreCommand, TheSameCallMakesTheSameBytes) {
  record({"restore", at("noisy.png"), "--grain", "0.5"}, "1.png");
  record({"restore", at("noisy.png"), "--grain", "0.5"}, "2.png");
  EXPECT_EQ(read_bytes(dir_ / "1.png"), read_bytes(dir_ / "2.png"));
}

TEST_F(RestoreCommand, WhatItCannotUseIsRefused) {
  const std::string photo = at("noisy.png");
  expect_refused({"upscale", photo, "-m", "bicubic", "--detail", "1"}, "bicubic cannot use --detail");
  expect_refused({"upscale", photo, "-m", "zssr", "--grain", "1"}, "zssr cannot use --grain");
  expect_refused({"upscale", photo, "--detail", "1", "--kernel", "bicubic"}, "cannot use --kernel");
  expect_refused({"upscale", photo, "-m", "restore", "--noise", "5"}, "cannot use --noise");
  expect_refused({"upscale", photo, "-m", "restore", "--steps", "5"}, "cannot use --steps");
  expect_refused({"upscale", photo, "-m", "edsr", "--strength", "1"}, "edsr cannot use --strength");
  expect_refused({"restore", photo, "--detail", "2"}, "--detail '2' must be auto or 0 to 1");
  expect_refused({"restore", photo, "--grain", "much"}, "--grain 'much'");
  expect_refused({"restore", photo, "--kernel", "bicubic"}, "--kernel");
}

}  // namespace
}  // namespace zsr::test
