#include "degradations/downsample.h"
#include "degradations/kernel_families.h"
#include "image/metrics.h"
#include "pipeline/photo_formation.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"
#include "zssr/start.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

TEST(KernelGanCommand, WritesTheKernelAPreviewAndAVerdict) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  const ProgramResult result =
      run_zsr({"kernelgan", example("cat.jpg"), "-o", at("k.mat"), "--preview", at("k.png"), "--json", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_TRUE(json["verdict"] == "good" || json["verdict"] == "weak" || json["verdict"] == "reject");
  EXPECT_NEAR(json["phase"]["y"].get<double>(), 0.5, 0.05);
  const auto shown = nlohmann::json::parse(run_zsr({"kernel", "show", at("k.mat"), "--json"}).out);
  EXPECT_NEAR(shown["gaussian"]["sigma_1"].get<double>(), json["sigma_1"].get<double>(), 1e-6);
  EXPECT_TRUE(std::filesystem::exists(dir / "k.png"));
  EXPECT_EQ(run_zsr({"kernelgan", example("cat.jpg"), "-o", at("k.mat")}).code, 1);  // exists
  const ProgramResult unknown = run_zsr({"kernelgan", example("cat.jpg"), "-o", at("n.mat"), "--estimator", "magic"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("predictor, spectrum, kernelgan"), std::string::npos) << unknown.err;
  EXPECT_EQ(run_zsr({"kernelgan", "-o", at("n.mat")}).code, 2);
}

TEST(KernelGanCommand, CheckTellsHowWellNetworksBringThePhotoBack) {
  const TempDir dir;
  const ProgramResult result = run_zsr({"kernelgan", example("portrait_160.png"), "-o", (dir / "k.mat").string(),
                                        "--estimator", "predictor", "--check", "--json", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_NE(json["verdict"], "reject") << json["reasons"].dump();
  const auto& consistency = json["consistency_db"];
  for (const char* const kernel : {"estimated", "bicubic", "point"}) {
    EXPECT_GT(consistency[kernel].get<double>(), 15.0) << kernel;
    EXPECT_LT(consistency[kernel].get<double>(), 100.0) << kernel;
  }
  // Less blur to undo is always easier.
  EXPECT_GT(consistency["point"].get<double>(), consistency["estimated"].get<double>() - 3.0);
}

TEST(KernelGanCommand, BlindUpscaleRecordsWhatItFound) {
  const TempDir dir;
  const std::string out = (dir / "out.png").string();
  const ProgramResult result = run_zsr(quick({"upscale", example("cat.jpg"), "-o", out, "--json", "-q"}));
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_TRUE(json["estimated"]["kernel"].contains("verdict"));
  EXPECT_GE(json["estimated"]["noise"].get<double>(), 0.0);
  EXPECT_EQ(json["kernel"], "auto");
  // Given the kernel, or asked for the paper's way, it looks at nothing.
  for (const auto& known : {std::vector<std::string>{"--kernel", "bicubic"}, {"--preset", "paper"}}) {
    std::vector<std::string> arguments = {"upscale", example("cat.jpg"), "-o", out, "--force", "--json", "-q"};
    arguments.insert(arguments.end(), known.begin(), known.end());
    const ProgramResult given = run_zsr(quick(arguments));
    ASSERT_EQ(given.code, 0) << given.err;
    EXPECT_FALSE(nlohmann::json::parse(given.out).contains("estimated"));
  }
  // A photo too small to tell its blur: the bicubic kernel, and a warning that says so.
  make_photo(dir / "tiny.png", 3, 40, 40);
  const ProgramResult tiny = run_zsr(quick(
      {"upscale", (dir / "tiny.png").string(), "-o", (dir / "big.png").string(), "--kernel", "auto", "--json", "-q"}));
  ASSERT_EQ(tiny.code, 0) << tiny.err;
  EXPECT_EQ(nlohmann::json::parse(tiny.out)["estimated"]["kernel"]["used"], "bicubic");
  EXPECT_NE(tiny.err.find("taking the bicubic one"), std::string::npos) << tiny.err;
  EXPECT_EQ(run_zsr({"upscale", example("cat.jpg"), "-o", out, "--force", "--kernel", "auto", "-s", "2x3"}).code, 2);
}

TEST(KernelGanCommand, BlindUpscaleBeginsAtTheStartingPointUnderAnEstimatedKernel) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  const torch::Tensor sharp = squares(448, 3);
  const auto save = [&](const char* name, const torch::Tensor& image) {
    Photo photo;
    photo.color = image;
    save_photo(photo, dir / name, {.format = ImageFormat::kPng});
  };
  save("sharp.png", sharp);
  save("lr.png", downsample(sharp, make_kernel({.size = 21, .sigma_1 = 1.7, .sigma_2 = 1.7, .offset = 0.5}), {2, 2})
                     .clamp(0.0, 1.0));
  const auto upscale = [&](const std::vector<std::string>& more) {
    std::vector<std::string> call = {"upscale", at("lr.png"), "-o", at("out.png"), "--force", "--json", "-q"};
    call.insert(call.end(), more.begin(), more.end());
    const ProgramResult result = run_zsr(call);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const auto psnr_now = [&] {
    return compare_images(load_photo(dir / "out.png").color, load_photo(dir / "sharp.png").color, {.shave = 2}).psnr_y;
  };
  upscale({"-m", "bicubic"});
  const double bicubic = psnr_now();
  const auto blind = upscale({});
  EXPECT_EQ(blind["start"], "zssr-start-x2");
  EXPECT_NE(blind["estimated"]["kernel"]["used"], "bicubic");
  EXPECT_EQ(blind["steps"], 0);
  EXPECT_EQ(blind["settings"]["self_ensemble"], false);
  // The photo is small, so that not all of the estimated kernel is undone unless that is asked for.
  EXPECT_GT(psnr_now(), bicubic + 1.5);
  upscale({"--kernel", "auto"});
  EXPECT_GT(psnr_now(), bicubic + 2.0);
  for (const auto& spelled : {std::vector<std::string>{"--init", "auto"}, {"--kernel", "auto"}}) {
    const auto same = upscale(spelled);
    EXPECT_EQ(same["estimated"]["noise"], blind["estimated"]["noise"]);
    EXPECT_EQ(same["start"], "zssr-start-x2");
  }
  EXPECT_EQ(upscale({"--ensemble", "on"})["settings"]["self_ensemble"], true);
  // Steps that are asked for are taken from nothing, and so is all without a starting point.
  EXPECT_EQ(upscale({"--steps", "2"})["settings"]["start"], false);
  EXPECT_EQ(upscale({"--steps", "2", "--init", "none"})["settings"]["start"], false);
}

TEST(ShareForStart, FallsWhereTheEstimateIsTooWide) {
  const torch::Tensor lr =
      downsample(squares(400, 4), make_kernel({.size = 21, .sigma_1 = 1.4, .sigma_2 = 1.4, .offset = 0.5}), {2, 2})
          .clamp(0.0, 1.0);
  zssr::Options options = zssr::with_start(zssr::preset("default", {2, 2}), zssr::Start::shipped("zssr-start-x2"));
  options.pairs.son_noise = 0.8 / 255.0;
  kernelgan::Estimate estimate{.kernel = gaussian_kernel(7, 1.0, 1.0)};
  const auto share = [&](double sigma) {
    estimate.sigma_1 = estimate.sigma_2 = sigma;
    return pipeline::share_for_start(lr, estimate, options, {});
  };
  EXPECT_EQ(share(1.4), 0.85);
  ASSERT_TRUE(share(2.4));
  EXPECT_LT(*share(2.4), 0.7);
}

}  // namespace
}  // namespace zsr::test
