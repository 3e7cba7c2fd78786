// From a folder of scans to a degradation, pairs and a network: 'zsr train degradation' and what takes its file.
#include "core/files.h"
#include "tests/cli/support.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class LearnedDegradation : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "sharp");
    fs::create_directories(dir_ / "scans");
    for (int i = 0; i < 3; ++i) {
      make_photo(dir_ / fmt::format("sharp/{}.png", i), 3, 420, 440);
      make_photo(dir_ / fmt::format("scans/{}.png", i), 3, 210, 220);
    }
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  std::vector<std::string> command(const std::string& output) const {
    return {"train", "degradation", at("sharp"), "--like", at("scans"), "-s",           "2", "--steps", "4", "--batch",
            "2",     "--patch",     "32",        "-o",     at(output),  "--save-every", "2", "-q"};
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& word) const {
    const ProgramResult result = run_zsr(arguments);
    EXPECT_NE(result.code, 0) << word;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
  }
  TempDir dir_;
};

TEST_F(LearnedDegradation, GoesFromScansToPairsToANetworkToAPhoto) {
  std::vector<std::string> train = command("scan.safetensors");
  for (const std::string& word : {std::string("--page"), at("run.html"), std::string("--samples"), std::string("2")}) {
    train.push_back(word);
  }
  ProgramResult result = run_zsr(train);
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string page = read_file(dir_ / "run.html", 1 << 24);
  EXPECT_NE(page.find("finished"), std::string::npos);
  EXPECT_EQ(page.find("http-equiv=\"refresh\""), std::string::npos);
  EXPECT_NE(page.find("data:image/png;base64,"), std::string::npos);
  EXPECT_NE(page.find("eye high(worse(lr)) high(like)"), std::string::npos);
  EXPECT_TRUE(fs::exists(dir_ / "scan-samples/000004.png"));
  EXPECT_NE(read_file(dir_ / "scan.safetensors.csv", 1 << 20).find("judge eye"), std::string::npos);

  result = run_zsr({"degrade", at("sharp"), "--recipe", at("scan.safetensors"), "-s", "2", "-o", at("pairs"), "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  result = run_zsr({"degrade", "--replay", at("pairs/manifest.jsonl"), "-o", at("again"), "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_file(dir_ / "pairs/LR/1.png", 1 << 24), read_file(dir_ / "again/LR/1.png", 1 << 24));

  result = run_zsr({"train",
                    "edsr",
                    at("sharp"),
                    "-s",
                    "2",
                    "--recipe",
                    at("scan.safetensors"),
                    "--channels",
                    "16",
                    "--depth",
                    "2",
                    "--steps",
                    "2",
                    "--batch",
                    "2",
                    "--patch",
                    "32",
                    "-o",
                    at("net.safetensors"),
                    "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  result =
      run_zsr({"upscale", at("scans/0.png"), "-s", "2", "--weights", at("net.safetensors"), "-o", at("big.png"), "-q"});
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST_F(LearnedDegradation, StoppedAndResumedHasTheSameBytes) {
  ASSERT_EQ(run_zsr(command("whole.safetensors")).code, 0);
  std::vector<std::string> half = command("half.safetensors");
  *std::next(std::find(half.begin(), half.end(), "--save-every")) = "1";
  half.insert(half.end(), {"--time", "0.01s"});
  ASSERT_EQ(run_zsr(half).code, 0);
  std::vector<std::string> rest = command("half.safetensors");
  rest.push_back("--resume");
  const ProgramResult result = run_zsr(rest);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_file(dir_ / "whole.safetensors", 1 << 24), read_file(dir_ / "half.safetensors", 1 << 24));
  rest[std::find(rest.begin(), rest.end(), "4") - rest.begin()] = "6";
  expect_refused(rest, "checkpoint of another run");
}

TEST_F(LearnedDegradation, WhatCannotTeachIsRefused) {
  expect_refused({"train", "degradation", at("sharp"), "-o", at("a.safetensors")}, "--like FOLDER");
  fs::copy_file(dir_ / "sharp/1.png", dir_ / "scans/also.png");
  expect_refused(command("a.safetensors"), "are the same photo");
  fs::remove(dir_ / "scans/also.png");
  fs::remove(dir_ / "scans/1.png");
  fs::remove(dir_ / "scans/2.png");
  expect_refused(command("a.safetensors"), "and 100 are needed");
  fs::create_directories(dir_ / "small");
  make_photo(dir_ / "small/0.png", 3, 20, 20);
  std::vector<std::string> small = command("a.safetensors");
  small[4] = at("small");
  small.erase(std::find(small.begin(), small.end(), "-q"));
  const ProgramResult result = run_zsr(small);
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.err.find("no photos that can serve"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(dir_ / "a.safetensors"));
}

TEST_F(LearnedDegradation, IsRefusedForWhatItIsNot) {
  ASSERT_EQ(run_zsr(command("scan.safetensors")).code, 0);
  expect_refused({"degrade", at("sharp"), "--recipe", at("scan.safetensors"), "-s", "4", "-o", at("pairs"), "-q"},
                 "was trained for x2, not for x4");
  expect_refused({"upscale", at("scans/0.png"), "-s", "2", "--weights", at("scan.safetensors"), "-q"}, "zsr degrade");
  expect_refused({"train", "dsgan", at("sharp"), "-o", at("a.safetensors")}, "zsr train degradation");
}

}  // namespace
}  // namespace zsr::test
