// From a folder of scans to a degradation, pairs and a network: 'zsr train degradation' and what takes its file.
#include "core/files.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

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
  EXPECT_NE(page.find("eye high9(worse(lr)) high9(like)"), std::string::npos);
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

TEST_F(LearnedDegradation, TwoProcessesEqualOne) {
  if (std::system("command -v mpirun >/dev/null 2>&1") != 0) GTEST_SKIP() << "no mpirun here";
  ASSERT_EQ(run_zsr(command("one.safetensors")).code, 0);
  const ProgramResult result =
      run_zsr(command("two.safetensors"),
              "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 2");
  ASSERT_EQ(result.code, 0) << result.err;
  const WeightsFile one = read_safetensors(dir_ / "one.safetensors");
  const WeightsFile two = read_safetensors(dir_ / "two.safetensors");
  double moved = 0.0;
  for (const NamedTensor& entry : one.tensors) {
    moved = std::max(moved, max_difference(entry.tensor, *two.find(entry.name)));
  }
  // Adam turns the rounding of gradients near 0 into steps of up to its rate; four steps of 5e-4 are 2e-3.
  EXPECT_LT(moved, 1e-3);
  std::istringstream log_one(read_file(dir_ / "one.safetensors.csv", 1 << 20));
  std::istringstream log_two(read_file(dir_ / "two.safetensors.csv", 1 << 20));
  int lines = 0;
  for (std::string a, b; std::getline(log_one, a) && std::getline(log_two, b); ++lines) {
    if (lines == 0) continue;
    EXPECT_EQ(a.substr(0, a.rfind(',')), b.substr(0, b.rfind(',')));
    EXPECT_NEAR(std::stod(a.substr(a.rfind(',') + 1)), std::stod(b.substr(b.rfind(',') + 1)), 1e-4) << a;
  }
  EXPECT_EQ(lines, 13);
  std::vector<std::string> cycle = command("three.safetensors");
  cycle.insert(cycle.end(), {"--method", "cincgan"});
  const ProgramResult refused =
      run_zsr(cycle, "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 2");
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("leave mpirun out"), std::string::npos) << refused.err;
}

TEST_F(LearnedDegradation, APoolOfKernelsGrowsAndTrainsANetwork) {
  fs::create_directories(dir_ / "kernels");
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(run_zsr({"kernel", "make", "gaussian", "--sigma", fmt::format("{}", 1.0 + 0.1 * i), "--size", "13", "-o",
                       at(fmt::format("kernels/{}.npy", i))})
                  .code,
              0);
  }
  ProgramResult result = run_zsr(
      {"train", "kernel-gan", at("kernels"), "-o", at("pool"), "--steps", "2", "--batch", "4", "--count", "3", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(dir_ / "pool/estimated-0010.npy"));
  EXPECT_TRUE(fs::exists(dir_ / "pool/generated-0003.npy"));
  result = run_zsr({"train",
                    "edsr",
                    at("sharp"),
                    "-s",
                    "2",
                    "--recipe",
                    "kmsr",
                    "--kernel-pool",
                    at("pool"),
                    "--channels",
                    "16",
                    "--depth",
                    "2",
                    "--steps",
                    "2",
                    "--batch",
                    "2",
                    "-o",
                    at("k.safetensors"),
                    "-q"});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_refused({"train", "kernel-gan", at("kernels"), "-o", at("pool"), "-q"}, "is not empty");
  expect_refused({"train", "kernel-gan", at("kernels/1.npy"), "-o", at("other"), "-q"}, "at least 10 are needed");
  expect_refused({"train", "edsr", at("sharp"), "--kernel-pool", at("pool"), "-o", at("x.safetensors"), "-q"},
                 "--recipe kmsr");
  EXPECT_FALSE(fs::exists(dir_ / "other"));
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
