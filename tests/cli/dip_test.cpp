#include "degradations/flow_prior.h"
#include "degradations/kernel_io.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class DipCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    make_photo(dir_ / "photo.png", 3, 40, 44);
    make_photo(dir_ / "gray.png", 1, 40, 44);
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  void expect_refused(std::vector<std::string> arguments, int code, const std::string& why) {
    arguments.insert(arguments.end(), {"-o", at("refused.png"), "-q", "-j", "1"});
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "refused.png"));
  }

  // Black in the middle of white.
  void make_mask(const std::string& name, int64_t height, int64_t width, double inside, double outside) {
    Photo mask;
    mask.color = torch::full({1, 1, height, width}, outside);
    mask.color.slice(2, height / 2, height / 2 + 3).fill_(inside);
    save_photo(mask, dir_ / name, {});
  }

  TempDir dir_;
};

TEST_F(DipCommand, EveryTaskGivesAPhoto) {
  make_mask("mask.png", 40, 44, 0.0, 1.0);
  const std::vector<std::pair<std::string, std::vector<std::string>>> tasks = {
      {"sr", {"-s", "2"}}, {"denoise", {}}, {"jpeg", {}}, {"inpaint", {"--mask", at("mask.png")}}};
  for (const auto& [task, more] : tasks) {
    for (const char* const photo : {"photo.png", "gray.png"}) {
      std::vector<std::string> arguments = {"dip",       at(photo), "--task", task, "--steps", "2",     "-o",
                                            at("o.png"), "--force", "-q",     "-j", "1",       "--json"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      const ProgramResult result = run_zsr(arguments);
      ASSERT_EQ(result.code, 0) << task << result.err;
      const auto json = nlohmann::json::parse(result.out);
      EXPECT_EQ(json["method"], "dip");
      EXPECT_EQ(json["settings"]["task"], task);
      EXPECT_EQ(json["steps"], 2);
      EXPECT_EQ(load_photo(dir_ / "o.png").color.size(3), task == "sr" ? 88 : 44);
    }
  }
  // Without -o the result lies beside the photo, named after what was done.
  ASSERT_EQ(run_zsr({"dip", at("photo.png"), "--task", "denoise", "--steps", "1", "-q", "-j", "1"}).code, 0);
  EXPECT_TRUE(fs::exists(dir_ / "photo_denoise.png"));
  ASSERT_EQ(run_zsr({"upscale", at("photo.png"), "-m", "dip", "--steps", "1", "-s", "3", "-q", "-j", "1"}).code, 0);
  EXPECT_EQ(load_photo(dir_ / "photo_x3.png").color.size(2), 120);
}

TEST_F(DipCommand, KeepsFramesWhenAsked) {
  ASSERT_EQ(run_zsr({"dip", at("photo.png"), "--task", "jpeg", "--steps", "4", "--frames", at("frames"),
                     "--frame-every", "2", "-o", at("o.png"), "-q", "-j", "1"})
                .code,
            0);
  EXPECT_EQ(load_photo(dir_ / "frames" / "step_000004.png").color.size(3), 44);
  EXPECT_TRUE(fs::exists(dir_ / "frames" / "step_000002.png"));
  ASSERT_EQ(run_zsr({"dip", at("photo.png"), "--task", "jpeg", "--steps", "6", "--frames", at("film.webp"), "--average",
                     "0", "--frame-every", "2", "-o", at("o.png"), "--force", "-q", "-j", "1"})
                .code,
            0);
  const PhotoHeader film = read_photo_header(dir_ / "film.webp");
  EXPECT_EQ(film.sequence.pages, 3);  // the result is the last of them
  EXPECT_EQ(film.width, 44);
}

TEST_F(DipCommand, ProposesAMaskAndShowsIt) {
  Photo scratched;
  scratched.color = torch::full({1, 3, 120, 130}, 0.4);
  for (int64_t y = 10; y < 110; ++y) scratched.color.slice(2, y, y + 1).slice(3, 50 + y / 5, 52 + y / 5).fill_(1.0);
  save_photo(scratched, dir_ / "old.png", {});
  const ProgramResult shown = run_zsr({"dip", at("old.png"), "--task", "inpaint", "--mask", "auto", "-j", "1"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out, at("old_mask.png") + "\n");
  EXPECT_NE(shown.err.find("--mask '" + at("old_mask.png")), std::string::npos);
  const torch::Tensor mask = load_photo(dir_ / "old_mask.png").color;
  EXPECT_EQ(mask.slice(2, 50, 51).slice(3, 60, 62).max().item<double>(), 0.0);
  EXPECT_GT(mask.mean().item<double>(), 0.9);
  EXPECT_TRUE(fs::exists(dir_ / "old_mask_shown.png"));
  EXPECT_FALSE(fs::exists(dir_ / "old_inpaint.png"));
  ASSERT_EQ(run_zsr({"dip", at("old.png"), "--task", "inpaint", "--mask", "auto", "--accept-mask", "--force", "--steps",
                     "2", "-q", "-j", "1"})
                .code,
            0);
  EXPECT_TRUE(fs::exists(dir_ / "old_inpaint.png"));
  make_photo(dir_ / "flat.png", 1, 60, 60);
  expect_refused({"dip", at("old.png"), at("photo.png"), "--task", "inpaint", "--mask", "auto"}, 2,
                 "one photo at a time");
}

TEST_F(DipCommand, RefusesWhatCannotBeDone) {
  make_mask("small.png", 30, 30, 0.0, 1.0);
  make_mask("white.png", 40, 44, 1.0, 1.0);
  make_mask("black.png", 40, 44, 0.0, 0.0);
  const auto inpaint = [&](const std::string& mask) {
    return std::vector<std::string>{"dip", at("photo.png"), "--task", "inpaint", "--steps", "2", "--mask", at(mask)};
  };
  expect_refused(inpaint("small.png"), 1, "the mask is 30x30, the photo 44x40");
  expect_refused(inpaint("white.png"), 1, "nothing to fill");
  expect_refused(inpaint("black.png"), 1, "nothing of the photo would be kept");
  expect_refused(inpaint("none.png"), 1, "none.png");
  expect_refused({"dip", at("photo.png"), "--task", "inpaint"}, 2, "needs --mask");
  expect_refused({"dip", at("photo.png"), "--task", "denoise", "-s", "2"}, 2, "belongs to --task sr");
  expect_refused({"dip", at("photo.png"), "--task", "sharpen"}, 2, "must be sr, denoise, jpeg or inpaint");
  expect_refused({"dip", at("photo.png"), "-s", "1.5"}, 2, "whole factors");
  expect_refused({"dip", at("photo.png"), "--stop", "soon"}, 2, "--stop");
}

TEST_F(DipCommand, KernelPriorFindsImageAndKernel) {
  ASSERT_EQ(
      run_zsr({"train", "kernel-prior", "-s", "2", "-o", at("prior.safetensors"), "--steps", "20", "-q", "-j", "1"})
          .code,
      0);
  EXPECT_NE(run_zsr({"weights", "info", at("prior.safetensors")}).out.find("flow prior of blur kernels (FKP), x2"),
            std::string::npos);
  const ProgramResult result =
      run_zsr({"upscale", at("photo.png"), "-m", "dip-fkp", "-s", "2", "--prior", at("prior.safetensors"), "--steps",
               "3", "--save-kernel", at("k.mat"), "-o", at("o.png"), "-q", "-j", "1", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["steps"], 3);
  EXPECT_EQ(load_photo(dir_ / "o.png").color.size(3), 88);
  EXPECT_EQ(load_kernel(dir_ / "k.mat").height(), 11);
  expect_refused({"upscale", at("photo.png"), "-m", "dip-fkp", "-s", "4", "--prior", at("prior.safetensors")}, 2,
                 "is a kernel prior for x2, not for x4");
  expect_refused({"upscale", at("photo.png"), "-m", "dip-fkp", "--prior", at("no.safetensors")}, 1, "no.safetensors");
  expect_refused(
      {"upscale", at("photo.png"), "-m", "dip-fkp", "--prior", at("prior.safetensors"), "--kernel", "bicubic"}, 2,
      "dip-fkp cannot use --kernel");
  expect_refused({"upscale", at("photo.png"), "-m", "zssr", "--prior", at("prior.safetensors")}, 2,
                 "zssr cannot use --prior");
  expect_refused({"train", "kernel-prior", "-s", "5"}, 2, "scale = 5");
  // One is shipped for x2.
  EXPECT_EQ(run_zsr({"dip-fkp", at("photo.png"), "-s", "2", "--steps", "2", "-o", at("own.png"), "-q", "-j", "1"}).code,
            0);
  expect_refused({"dip-fkp", at("photo.png"), "-s", "8"}, 2, "no kernel prior for x8 comes with");
}

}  // namespace
}  // namespace zsr::test
