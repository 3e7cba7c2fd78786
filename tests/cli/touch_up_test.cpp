#include "tests/cli/support.h"
#include "tests/support/scratched.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class TouchUp : public ::testing::Test {
 protected:
  void SetUp() override {
    clean_ = load_photo(example("portrait_160.png"));
    Photo old = clean_;
    const Scratched scratched = draw_scratches(clean_.color, 1.0);
    old.color = scratched.photo;
    damage_ = scratched.damage;
    save_photo(old, dir_ / "old.png", {});
    Photo mask;
    mask.color = 1.0 - damage_;
    save_photo(mask, dir_ / "mask.png", {});
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  ProgramResult run(std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.end(), {"-o", at(output), "--force", "-j", "1"});
    return run_zsr(arguments);
  }
  nlohmann::json record(std::vector<std::string> arguments, const std::string& output) {
    arguments.insert(arguments.end(), {"-q", "--json"});
    const ProgramResult result = run(std::move(arguments), output);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, false);
  }
  void expect_refused(std::vector<std::string> arguments, const std::string& why, int code = 2) {
    const ProgramResult result = run(std::move(arguments), "refused.png");
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "refused.png"));
  }
  // In the damaged pixels.
  double psnr(const std::string& name) const {
    const torch::Tensor error = (load_photo(dir_ / name).color - clean_.color).square().mean(1, true);
    return -10.0 * std::log10(((error * damage_).sum() / damage_.sum()).item<double>());
  }

  Photo clean_;
  torch::Tensor damage_;
  TempDir dir_;
};

TEST_F(TouchUp, ScratchesAreFilledAndRecorded) {
  const auto automatic =
      record({"restore", at("old.png"), "--scratches", "auto", "--save-mask", at("found.png")}, "a.png");
  EXPECT_EQ(automatic["scratches"]["mask"], "auto");
  EXPECT_GE(automatic["scratches"]["regions"], 1);
  EXPECT_GT(automatic["scratches"]["part"], 0.01);
  EXPECT_LT(automatic["scratches"]["part"], 0.12);
  EXPECT_GT(psnr("a.png"), psnr("old.png") + 4.0);
  const double good = load_photo(dir_ / "found.png").color.mean().item<double>();
  EXPECT_NEAR(1.0 - good, automatic["scratches"]["part"].get<double>(), 1e-4);

  const auto named = record({"restore", at("old.png"), "--scratches", at("mask.png")}, "b.png");
  EXPECT_EQ(named["scratches"]["mask"], at("mask.png"));
  EXPECT_GT(psnr("b.png"), psnr("old.png") + 8.0);
  EXPECT_FALSE(record({"restore", at("old.png")}, "c.png").contains("scratches"));
}

TEST_F(TouchUp, TheOldTaskFillsRestoresAndEnlarges) {
  const auto json = record({"upscale", at("old.png"), "--task", "old", "-s", "2"}, "o.png");
  EXPECT_EQ(json["method"], "restore");
  EXPECT_EQ(json["output_size"]["width"], 2 * json["input_size"]["width"].get<int64_t>());
  EXPECT_EQ(json["scratches"]["mask"], "auto");
  EXPECT_GT(json["scratches"]["part"], 0.01);
  EXPECT_FALSE(json.contains("tone"));
  EXPECT_TRUE(json.contains("restoration"));
  const auto without =
      record({"upscale", at("old.png"), "--task", "old", "--scratches", "off", "--tone", "auto"}, "o.png");
  EXPECT_FALSE(without.contains("scratches"));
  EXPECT_TRUE(without.contains("tone"));
}

TEST_F(TouchUp, OneLineSaysWhatWasDone) {
  const ProgramResult result =
      run({"restore", at("old.png"), "--scratches", at("mask.png"), "--tone", "auto"}, "o.png");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("specks filled"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("tone: "), std::string::npos) << result.err;
}

TEST_F(TouchUp, DepthAlphaAndGrayStay) {
  for (const bool alpha : {false, true}) {
    const std::string name = alpha ? "alpha.png" : "gray.png";
    make_photo(dir_ / name, alpha ? 3 : 1, 40, 50, alpha, 16);
    const Photo before = load_photo(dir_ / name);
    record({"restore", at(name), "--scratches", "auto", "--tone", "auto"}, "o.png");
    const Photo after = load_photo(dir_ / "o.png");
    EXPECT_EQ(after.bit_depth, 16);
    EXPECT_EQ(after.color.size(1), before.color.size(1));
    ASSERT_EQ(after.alpha.defined(), alpha);
    if (alpha) {
      EXPECT_TRUE(torch::equal(after.alpha, before.alpha));
    }
  }
  make_photo(dir_ / "dot.png", 3, 1, 1);
  EXPECT_EQ(record({"upscale", at("dot.png"), "--task", "old", "--tone", "auto"}, "o.png")["output_size"]["width"], 2);
}

TEST_F(TouchUp, WhatCannotBeUsedIsRefused) {
  const std::string photo = at("old.png");
  expect_refused({"upscale", photo, "--task", "new"}, "--task 'new' must be sr or old");
  expect_refused({"upscale", photo, "--task", "old", "-m", "edsr"}, "leave -m edsr out");
  expect_refused({"upscale", photo, "--task", "old", "--kernel", "bicubic"}, "chosen by --task old");
  expect_refused({"upscale", photo, "--task", "old", "--weights", "x.pth"}, "leave --weights out");
  expect_refused({"upscale", photo, "-m", "edsr", "--scratches", "auto"}, "edsr cannot use --scratches");
  expect_refused({"upscale", photo, "-m", "zssr", "--tone", "auto"}, "zssr cannot use --tone");
  expect_refused({"restore", photo, "--tone", "warm"}, "--tone 'warm' must be off or auto");
  expect_refused({"restore", photo, "--scratches", at("none.png")}, "nor a file that exists");
  expect_refused({"restore", photo, "--save-mask", at("m.png")}, "--save-mask");
  make_photo(dir_ / "small.png", 1, 20, 30);
  expect_refused({"restore", photo, "--scratches", at("small.png")}, "must be of one size", 1);
  Photo black;
  black.color = torch::zeros({1, 1, clean_.color.size(2), clean_.color.size(3)});
  save_photo(black, dir_ / "black.png", {});
  expect_refused({"restore", photo, "--scratches", at("black.png")}, "black all over", 1);
  expect_refused({"restore", photo, photo, "--scratches", at("mask.png")}, "one photo at a time");
  expect_refused({"restore", photo, "--scratches", "auto", "--save-mask", at("no/such/folder/m.png")}, "no/such", 1);
}

TEST_F(TouchUp, SaveMaskReplacesNoFileOfTheSameCall) {
  const std::string photo = at("old.png");
  const auto auto_to = [&](const std::string& mask) {
    return std::vector<std::string>{"restore", photo, "--scratches", "auto", "--save-mask", mask};
  };
  fs::create_directory(dir_ / "folder");
  expect_refused(auto_to(at("refused.png")), "refused.png' is the output itself");
  expect_refused(auto_to(at("folder/../refused.png")), "is the output itself");
  expect_refused(auto_to(photo), "--save-mask '" + photo + "' is the photo itself");
  fs::create_symlink(photo, dir_ / "link.png");
  expect_refused(auto_to(at("link.png")), "is the photo itself");
  expect_refused({"restore", photo, "--scratches", at("mask.png"), "--save-mask", at("mask.png")},
                 "is the mask that --scratches reads");
  expect_refused({"upscale", photo, "--task", "old", "--save-mask", at("refused.png")}, "--save-mask");
  EXPECT_FALSE(fs::exists(dir_ / "refused.png.zsr.json"));
  const ProgramResult beside =
      run_zsr({"restore", photo, "--scratches", "auto", "--save-mask", at("old_restored.png")});
  EXPECT_EQ(beside.code, 2) << beside.err;
  EXPECT_NE(beside.err.find("is the output itself"), std::string::npos) << beside.err;
  EXPECT_EQ(std::count(beside.err.begin(), beside.err.end(), '\n'), 1) << beside.err;
}

}  // namespace
}  // namespace zsr::test
