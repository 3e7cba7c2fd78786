#include "pipeline/methods.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

// The same command with a flag that the method cannot use and with one that it can.
TEST(Refusals, AFlagThatTheMethodCannotUseIsRefused) {
  TempDir dir;
  const std::string photo = example("coffee_192x128.png");
  const std::string output = (dir / "o.png").string();
  const auto refused = [&](std::vector<std::string> flags, const std::string& why) {
    std::vector<std::string> all{"upscale", photo, "-o", output, "-q", "-j", "1"};
    all.insert(all.end(), flags.begin(), flags.end());
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, 2) << why << ": " << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(output)) << why;
  };
  for (const char* const method : {"edsr", "srmd", "bicubic", "restore"}) {
    const std::string named(method);
    refused({"-m", method, "--time", "5s"}, named + " cannot use --time");
    if (named != "bicubic") {
      refused({"-m", method, "--device", "cuda:99"}, "CUDA device(s); use --device cpu");
    } else {
      refused({"-m", method, "--device", "cuda"}, named + " cannot use --device");
      refused({"-m", method, "--gpu", "0"}, named + " cannot use --gpu");
    }
    refused({"-m", method, "--channels", "8"}, named + " cannot use --channels");
    refused({"-m", method, "--steps", "8"}, named + " cannot use --steps");
    refused({"-m", method, "--loss-log", (dir / "l.csv").string()}, named + " cannot use --loss-log");
  }
  refused({"-m", "bicubic", "--kernel", "bicubic"}, "bicubic cannot use --kernel");
  refused({"-m", "bicubic", "--tile", "64"}, "bicubic cannot use --tile");
  refused({"-m", "bicubic", "--ensemble", "on"}, "bicubic cannot use --ensemble");
  refused({"-m", "bicubic", "--back-projection", "3"}, "bicubic cannot use --back-projection");
  refused({"-m", "dip", "--noise", "5"}, "dip cannot use --noise");
  refused({"-m", "dip", "--crop", "32"}, "dip cannot use --training-crop");
  refused({"-m", "edsr", "--noise", "5"}, "edsr cannot use --noise");
  refused({"-m", "edsr", "--save-kernel", (dir / "k.mat").string()}, "edsr cannot use --save-kernel");
  refused({"--strength", "1", "--noise", "5"}, "restore was chosen by --strength");
  // What a setting of the method leaves without effect.
  const std::vector<std::string> paper = {"-m", "zssr", "--kernel", "bicubic", "--preset", "paper"};
  const auto with = [](std::vector<std::string> flags, const std::string& flag, const std::string& value) {
    flags.insert(flags.end(), {flag, value});
    return flags;
  };
  refused(with(paper, "--batch", "9"), "--batch: the preset paper trains on one crop a step");
  refused(with(paper, "--warm-up", "3"), "--warm-up: the preset paper has no warm-up");
  refused({"-m", "srmd", "--kernel-convention", "kair"}, "--kernel-convention says how the file of --kernel is stored");
  refused({"-m", "zssr", "--kernel", "bicubic", "--exact-scale"}, "--exact-scale is for networks");
  refused({"-m", "zssr", "--init", "zssr-start-x2", "--init-variance", "2"}, "--init brings its own network");
}

TEST(Refusals, AnEstimatorThatTrainsNothingTakesNoSteps) {
  TempDir dir;
  const std::string kernel = (dir / "k.txt").string();
  for (const char* const flag : {"--steps", "--seeds"}) {
    const ProgramResult result = run_zsr({"kernelgan", example("coffee_192x128.png"), "-o", kernel, flag, "3"});
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(std::string(flag) + ": the estimator 'combined' trains nothing"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(kernel));
  }
}

TEST(Refusals, ATaskWithoutEnlargingTakesNoPhase) {
  TempDir dir;
  const auto refused = [&](const std::vector<std::string>& flags, const std::string& why) {
    std::vector<std::string> all{"dip", example("coffee_192x128.png"), "-o", (dir / "o.png").string(), "-q"};
    all.insert(all.end(), flags.begin(), flags.end());
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused({"--task", "denoise", "--phase", "corner"}, "--phase belongs to --task sr");
  refused({"--task", "denoise", "--accept-mask"}, "--accept-mask belongs to --mask auto");
}

TEST(Refusals, TheRecordSaysWhatWasUsedInsteadOfWhatWasAsked) {
  TempDir dir;
  const auto record_of = [&](std::vector<std::string> flags) {
    std::vector<std::string> all{
        "upscale", example("coffee_192x128.png"), "-o", (dir / "o.png").string(), "-q", "-j", "1", "--force", "--json"};
    all.insert(all.end(), flags.begin(), flags.end());
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  // A kernel that turns into another one: no turned passes by a network that knows only this one.
  write_bytes(dir / "k.txt", "0 0 0\n0 1 2\n0 3 1\n");
  const auto turned = record_of(
      {"-m", "zssr", "--kernel", (dir / "k.txt").string(), "--steps", "2", "--init", "none", "--ensemble", "on"});
  EXPECT_EQ(turned["fields"]["ensemble"]["given"], true);
  EXPECT_EQ(turned["fields"]["ensemble"]["used"], false);
  // Who says how to train wants training, where the pretrained weights would be left as they are.
  const auto trained = record_of(
      {"-m", "zssr", "--kernel", "bicubic", "--training-crop", "20", "--learning-rate", "0.01", "--time", "3s"});
  EXPECT_GT(trained["fields"]["steps"]["used"], 0);
  EXPECT_EQ(trained["fields"]["training_crop"]["given"], 20);
  EXPECT_EQ(trained["fields"]["training_crop"]["used"], 20);
  EXPECT_EQ(trained["fields"]["learning_rate"]["used"], 0.01);
  EXPECT_EQ(trained["fields"]["time_s"]["given"], 3.0);
}

TEST(Refusals, WhatRunsOnTheCpuRefusesAGpu) {
  TempDir dir;
  const std::string photo = example("coffee_192x128.png");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"kernelgan", photo, "-o", (dir / "k.mat").string()},
        {"train", "blur-predictor", dir.path().string(), "-o", (dir / "w.safetensors").string()}}) {
    std::vector<std::string> all = command;
    all.insert(all.end(), {"--device", "cuda"});
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find("runs on the CPU; leave --device out"), std::string::npos) << result.err;
  }
}

TEST(Refusals, MessagesNameTheFlagThatWasGiven) {
  TempDir dir;
  const std::string photo = example("coffee_192x128.png");
  const auto says = [&](const std::vector<std::string>& words, const std::string& why) {
    const ProgramResult result = run_zsr(words);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  says({"upscale", photo, "-o", (dir / "o.png").string(), "--gradual", "abc"}, "--gradual 'abc'");
  says({"upscale", photo, "-o", (dir / "o.png").string(), "--timeout", "abc"}, "--timeout 'abc'");
  says({"upscale", photo, "-o", (dir / "o.png").string(), "-m", "zssr", "--time", "abc"}, "--time 'abc'");
}

// A photo whose blur is that of bicubic downscaling gives the bicubic kernel.
TEST(Refusals, DegradeLikeABicubicPhoto) {
  TempDir dir;
  Photo photo = load_photo(example("portrait_160.png"));
  photo.color = torch::cat({photo.color, photo.color}, 3);
  photo.color = torch::cat({photo.color, photo.color.flip(2)}, 2);  // too small an area has no verdict
  std::filesystem::create_directory(dir / "hr");
  save_photo(photo, dir / "hr" / "sharp.png", {});
  const ProgramResult like =
      run_zsr({"degrade", (dir / "hr").string(), "-o", (dir / "pairs").string(), "-s", "2", "--recipe", "classical",
               "--like", (dir / "hr" / "sharp.png").string(), "--kernel", "auto"});
  EXPECT_EQ(like.code, 0) << like.err;
  EXPECT_NE((like.out + like.err).find("its blur is that of bicubic downscaling"), std::string::npos) << like.err;
}

TEST(Refusals, TheTableOfMethodsIsPrinted) {
  const ProgramResult result = run_zsr({"info", "--methods", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto list = nlohmann::json::parse(result.out);
  ASSERT_EQ(list.size(), pipeline::methods().size());
  EXPECT_EQ(list[0]["method"], "zssr");
}

}  // namespace
}  // namespace zsr::test
