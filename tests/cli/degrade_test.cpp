#include "degradations/downsample.h"
#include "degradations/filter.h"
#include "degradations/kernel_io.h"
#include "image/metrics.h"
#include "image/resize.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <csignal>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class DegradePairs : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "hr");
    for (const char* name : {"a.png", "b.png", "c.png"}) {
      make_photo(dir_ / "hr" / name, 3, 64, 72);
    }
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  TempDir dir_;
};

TEST_F(DegradePairs, RecipeMakesPairsManifestAndSheetAndReplayRepeatsThem) {
  const ProgramResult made = run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "bsrgan", "-s", "4", "--patch",
                                      "32", "--patches", "2", "-n", "2", "--contact-sheet", at("sheet.png"), "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(nlohmann::json::parse(made.out)["made"], 12);
  EXPECT_TRUE(fs::exists(dir_ / "out" / "HR" / "a_p001_v1.png"));
  EXPECT_TRUE(fs::exists(dir_ / "sheet.png"));
  ASSERT_EQ(run_zsr({"degrade", "--replay", at("out/manifest.jsonl"), "-o", at("again")}).code, 0);
  EXPECT_EQ(read_bytes(dir_ / "out" / "manifest.jsonl"), read_bytes(dir_ / "again" / "manifest.jsonl"));
  EXPECT_EQ(read_bytes(dir_ / "out" / "LR" / "c_p000_v0.png"), read_bytes(dir_ / "again" / "LR" / "c_p000_v0.png"));
  // A second call finds all done.
  const ProgramResult second = run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "bsrgan", "-s", "4",
                                        "--patch", "32", "--patches", "2", "-n", "2", "--json"});
  EXPECT_EQ(nlohmann::json::parse(second.out)["already_there"], 12);
}

TEST_F(DegradePairs, FlatModeWritesLrImagesOnly) {
  ASSERT_EQ(run_zsr({"degrade", at("hr"), "-o", at("lr"), "-s", "2"}).code, 0);
  EXPECT_TRUE(fs::exists(dir_ / "lr" / "a.png"));
  EXPECT_FALSE(fs::exists(dir_ / "lr" / "manifest.jsonl"));
  const ProgramResult again = run_zsr({"degrade", at("hr"), "-o", at("lr"), "-s", "2"});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("already exists"), std::string::npos);
  const ProgramResult over = run_zsr({"degrade", at("hr"), "-o", at("hr"), "-s", "2", "--force"});
  EXPECT_EQ(over.code, 1);
  EXPECT_NE(over.err.find("is the input itself"), std::string::npos);
}

TEST_F(DegradePairs, SixteenBitsKeepWhatLiesBetweenLevels) {
  ASSERT_EQ(run_zsr({"degrade", at("hr"), "-o", at("lr"), "-s", "2", "--bit-depth", "16"}).code, 0);
  const Photo lr = load_photo(dir_ / "lr" / "a.png");
  EXPECT_EQ(lr.bit_depth, 16);
  const torch::Tensor wanted = imresize(load_photo(dir_ / "hr" / "a.png").color.to(torch::kFloat64), {0.5, 0.5});
  EXPECT_LT(max_difference(lr.color.to(torch::kFloat64), wanted.clamp(0.0, 1.0)), 0.51 / 65535.0 + 1e-6);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("x"), "--bit-depth", "12"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("x"), "--bit-depth", "16", "--jpeg", "50:60"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("x"), "--bit-depth", "16", "--recipe", "bsrgan", "-s", "4"}).code,
            2);
  EXPECT_FALSE(fs::exists(dir_ / "x"));
}

TEST_F(DegradePairs, CameraRecipeWritesDngAndReplays) {
  ASSERT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "camera", "-s", "2", "--contact-sheet",
                     at("sheet.png")})
                .code,
            0);
  EXPECT_TRUE(fs::exists(dir_ / "out" / "LR" / "a.dng"));
  EXPECT_TRUE(fs::exists(dir_ / "sheet.png"));
  ASSERT_EQ(run_zsr({"degrade", "--replay", at("out/manifest.jsonl"), "-o", at("again")}).code, 0);
  EXPECT_EQ(read_bytes(dir_ / "out" / "LR" / "a.dng"), read_bytes(dir_ / "again" / "LR" / "a.dng"));
}

TEST_F(DegradePairs, KernelsThatDoNotSumToOneAreRefusedUnlessAsked) {
  write_bytes(dir_ / "two.txt", "0 1 0\n1 -2 1\n0 1 0\n");
  const ProgramResult refused = run_zsr({"degrade", at("hr"), "-o", at("lr"), "--kernel", at("two.txt")});
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("sums to 2"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(dir_ / "lr" / "a.png"));
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("lr"), "--kernel", at("two.txt"), "--normalize-kernel"}).code, 0);
}

TEST_F(DegradePairs, LikeAPhotoTakesItsJpegQualityAndNoise) {
  Photo photo;
  photo.color = torch::rand({1, 3, 96, 96});
  save_photo(photo, dir_ / "old.jpg", {.format = ImageFormat::kJpeg, .encode = {.quality = 57}});
  const ProgramResult result = run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "classical", "--blur-sigma",
                                        "1", "-s", "2", "--like", at("old.jpg")});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("JPEG quality 57 (from its tables)"), std::string::npos) << result.err;
  const std::string manifest = read_bytes(dir_ / "out" / "manifest.jsonl");
  EXPECT_NE(manifest.find("{\"op\":\"jpeg\",\"quality\":57}"), std::string::npos);
  EXPECT_NE(manifest.find("gaussian-noise"), std::string::npos);
}

TEST_F(DegradePairs, LikeAPhotoWithItsEstimatedBlur) {
  const ProgramResult result = run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "classical", "-s", "2",
                                        "--like", example("cat.jpg"), "--kernel", "auto"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("blur"), std::string::npos) << result.err;
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out2"), "--recipe", "classical", "--kernel", "auto"}).code, 2);
}

TEST_F(DegradePairs, RecipeFileErrorsNameFileLineAndField) {
  write_bytes(dir_ / "r.json", "{\"steps\": [\n  {\"op\": \"jpeg\",\n   \"quality\": [10, 300]}]}");
  const ProgramResult result = run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", at("r.json"), "-s", "2"});
  EXPECT_NE(result.code, 0);
  EXPECT_NE(result.err.find("r.json', line 3: 'quality' is 300"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(DegradePairs, KilledRunContinuesToTheSameSet) {
  const std::vector<std::string> arguments = {"degrade", at("hr"),  "-o", at("killed"), "--recipe", "realesrgan", "-s",
                                              "2",       "--patch", "64", "-n",         "150",      "-q"};
  run_zsr_and_signal(arguments, 0.4, SIGKILL);
  ASSERT_EQ(run_zsr(arguments).code, 0);
  std::vector<std::string> whole = arguments;
  whole[3] = at("whole");
  ASSERT_EQ(run_zsr(whole).code, 0);
  int64_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "whole")) {
    if (!entry.is_regular_file() || entry.path().filename() == "manifest.jsonl") continue;
    const fs::path twin = dir_ / "killed" / fs::relative(entry.path(), dir_ / "whole");
    ASSERT_TRUE(fs::exists(twin)) << twin;
    EXPECT_EQ(read_bytes(entry.path()), read_bytes(twin));
    ++files;
  }
  EXPECT_EQ(files, 900);
  EXPECT_EQ(read_bytes(dir_ / "whole" / "manifest.jsonl"), read_bytes(dir_ / "killed" / "manifest.jsonl"));
}

TEST_F(DegradePairs, FullDiskEndsTheRunWithItsReasonAndLeavesNoHalfFile) {
  const std::vector<std::string> arguments = {"degrade", at("hr"), "-o", at("out"), "--recipe",
                                              "bicubic", "-s",     "2",  "-q"};
  const ProgramResult result = run_zsr(arguments, "ulimit -f 4;");  // no file over 4 blocks; HR crops are larger
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("cannot write"), std::string::npos) << result.err;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "out")) {
    if (entry.path().extension() == ".png") {
      EXPECT_NO_THROW(load_photo(entry.path())) << entry.path();
    }
    EXPECT_EQ(entry.path().filename().string().find(".zsr-"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(run_zsr(arguments).code, 0);
}

TEST_F(DegradePairs, UsageErrors) {
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-s", "2"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", "-o", at("out")}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "nonsense"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out"), "-n", "3"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "kmsr", "-s", "2"}).code, 2);
  EXPECT_EQ(run_zsr({"degrade", at("hr"), "-o", at("out"), "--recipe", "bsrgan", "-s", "4", "--patch", "30"}).code, 2);
}

TEST(KernelCommand, MakeShowConvertAndCompare) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  ASSERT_EQ(run_zsr({"kernel", "make", "gaussian", "--sigma", "2.5", "--sigma-2", "1.25", "--angle", "30", "--size",
                     "25", "-o", at("k.mat")})
                .code,
            0);
  const auto shown =
      nlohmann::json::parse(run_zsr({"kernel", "show", at("k.mat"), "--json", "--png", at("k.png")}).out);
  EXPECT_EQ(shown["height"], 25);
  EXPECT_NEAR(shown["sum"].get<double>(), 1.0, 1e-9);
  EXPECT_NEAR(shown["gaussian"]["sigma_1"].get<double>(), 2.5, 0.02);
  EXPECT_NEAR(shown["gaussian"]["sigma_2"].get<double>(), 1.25, 0.02);
  EXPECT_NEAR(shown["gaussian"]["angle_degrees"].get<double>(), 30.0, 0.2);
  EXPECT_GE(load_photo(dir / "k.png").color.size(2), 250);
  for (const char* name : {"k.npy", "k.txt", "flipped.mat"}) {
    const bool flipped = std::string(name) == "flipped.mat";
    ASSERT_EQ(run_zsr({"kernel", "convert", at("k.mat"), "-o", at(name), "--to", flipped ? "kair" : "zssr"}).code, 0);
    const auto compared = nlohmann::json::parse(run_zsr({"kernel", "compare", at("k.mat"), at(name), "--json"}).out);
    EXPECT_NEAR(compared["correlation"].get<double>(), 1.0, 1e-9);
    EXPECT_NEAR(compared["shift_x"].get<double>(), 0.0, 1e-9);
  }
  ASSERT_EQ(run_zsr({"kernel", "convert", at("k.mat"), "-o", at("k4.mat"), "--x4-from-x2"}).code, 0);
  const auto composed = nlohmann::json::parse(run_zsr({"kernel", "show", at("k4.mat"), "--json"}).out);
  EXPECT_NEAR(composed["gaussian"]["sigma_1"].get<double>(), 2.5 * std::sqrt(5.0), 0.05);
  // Blur and imresize as one kernel: the same small photo.
  ASSERT_EQ(run_zsr({"kernel", "convert", at("k.mat"), "-o", at("k3.mat"), "--before-bicubic", "3"}).code, 0);
  const torch::Tensor photo = test::texture(1, 90, 90).to(torch::kFloat64);
  const torch::Tensor two_steps = imresize(correlate(photo, load_kernel(dir / "k.mat").weights()), {1.0 / 3, 1.0 / 3});
  const torch::Tensor one_step = downsample(photo, load_kernel(dir / "k3.mat"), {3.0, 3.0});
  EXPECT_LT(max_difference(one_step.slice(2, 8, -8).slice(3, 8, -8), two_steps.slice(2, 8, -8).slice(3, 8, -8)), 1e-6);
  EXPECT_EQ(run_zsr({"kernel", "convert", at("k.mat"), "-o", at("k9.mat"), "--before-bicubic", "9"}).code, 2);
  ASSERT_EQ(run_zsr({"kernel", "convert", at("k.mat"), "-o", at("moved.mat"), "--phase", "center", "-s", "4"}).code, 0);
  EXPECT_NEAR(
      nlohmann::json::parse(run_zsr({"kernel", "show", at("moved.mat"), "--json"}).out)["phase"]["y"].get<double>(),
      1.5, 1e-6);
}

TEST(KernelCommand, BadInputIsNamed) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_bytes(dir / "empty.txt", "");
  write_bytes(dir / "nan.txt", "1 nan\n0 1\n");
  EXPECT_EQ(run_zsr({"kernel"}).code, 2);
  EXPECT_EQ(run_zsr({"kernel", "bake"}).code, 2);
  EXPECT_EQ(run_zsr({"kernel", "make", "round", "-o", at("k.mat")}).code, 2);
  EXPECT_EQ(run_zsr({"kernel", "make", "gaussian", "--sigma", "-1", "-o", at("k.mat")}).code, 2);
  EXPECT_EQ(run_zsr({"kernel", "make", "gaussian", "-o", at("k.doc")}).code, 2);
  EXPECT_EQ(run_zsr({"kernel", "make", "sinc", "-o", at("k.png")}).code, 2);
  for (const char* name : {"none.mat", "empty.txt", "nan.txt"}) {
    const ProgramResult result = run_zsr({"kernel", "show", at(name)});
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.err.find(name), std::string::npos) << result.err;
  }
  ASSERT_EQ(run_zsr({"kernel", "make", "gaussian", "-o", at("k.mat")}).code, 0);
  EXPECT_EQ(run_zsr({"kernel", "make", "gaussian", "-o", at("k.mat")}).code, 1);  // exists
}

}  // namespace
}  // namespace zsr::test
