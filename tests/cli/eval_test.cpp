#include "image/metrics.h"
#include "image/resize.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

TEST(Eval, JsonHasMeanImagesAndProtocol) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "hr");
  make_photo(dir / "hr/a.png", 3, 24, 24);
  make_photo(dir / "hr/b.png", 1, 24, 24);
  ASSERT_EQ(run_zsr({"degrade", (dir / "hr").string(), "-o", (dir / "lr").string(), "-s", "2"}).code, 0);
  ASSERT_EQ(run_zsr({"upscale", (dir / "lr").string(), "-o", (dir / "sr").string(), "-m", "bicubic", "-q"}).code, 0);
  const auto result = run_zsr({"eval", "-r", (dir / "hr").string(), "-i", (dir / "sr").string(), "-s", "2", "--json",
                               "--csv", (dir / "table.csv").string()});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["images"].size(), 2U);
  const double a = json["images"][0]["psnr_y"];
  const double b = json["images"][1]["psnr_y"];
  EXPECT_NEAR(json["mean"]["psnr_y"].get<double>(), (a + b) / 2.0, 1e-9);
  EXPECT_NE(json["protocol"].get<std::string>().find("2 px shaved"), std::string::npos);
  const std::string csv = read_bytes(dir / "table.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
}

// HR and result folders: "equal" is the same picture, once gray and once RGB; "other" differs.
void make_eval_folders(const TempDir& dir) {
  std::filesystem::create_directories(dir / "hr");
  std::filesystem::create_directories(dir / "sr");
  Photo photo;
  photo.color = quantize(torch::rand({1, 1, 24, 24}));
  save_photo(photo, dir / "hr/equal.png", {});
  photo.color = photo.color.repeat({1, 3, 1, 1});
  save_photo(photo, dir / "sr/equal.png", {});
  make_photo(dir / "hr/other.png", 3, 24, 24);
  make_photo(dir / "sr/other.png", 3, 24, 24);
}

TEST(Eval, EqualImagesAreInfAndTheMeanIsOverTheOthers) {
  const TempDir dir;
  make_eval_folders(dir);
  const std::vector<std::string> call = {"eval", "-r", (dir / "hr").string(), "-i", (dir / "sr").string()};
  std::vector<std::string> as_json = call;
  as_json.insert(as_json.end(), {"--json", "--csv", (dir / "table.csv").string()});
  const auto json = nlohmann::json::parse(run_zsr(as_json).out);
  const auto& equal = json["images"][0];
  EXPECT_EQ(equal["name"], "equal");
  EXPECT_TRUE(equal["psnr_y"].is_null());
  EXPECT_EQ(equal["inf"], true);
  EXPECT_EQ(equal["infinite"], (nlohmann::json{"psnr_y", "psnr_rgb"}));
  EXPECT_FALSE(json["images"][1].contains("inf"));
  EXPECT_EQ(json["mean"]["psnr_y"], json["images"][1]["psnr_y"]);
  EXPECT_EQ(json["mean"]["counted"]["psnr_y"], 1);
  EXPECT_EQ(json["mean"]["counted"]["ssim_y"], 2);
  EXPECT_NE(read_bytes(dir / "table.csv").find("\"equal\",inf,"), std::string::npos);
  const auto table = run_zsr(call);
  EXPECT_NE(table.out.find(" inf "), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("PSNR Y over 1 of 2 images"), std::string::npos) << table.out;
  std::filesystem::remove(dir / "hr/other.png");
  std::filesystem::remove(dir / "sr/other.png");
  const auto alone =
      nlohmann::json::parse(run_zsr({"eval", "-r", (dir / "hr").string(), "-i", (dir / "sr").string(), "--json"}).out);
  EXPECT_TRUE(alone["mean"]["psnr_y"].is_null());
  EXPECT_EQ(alone["mean"]["inf"], true);
}

TEST(Eval, SaysWhatItLeavesOut) {
  const TempDir dir;
  make_photo(dir / "truth.png", 3, 25, 24);
  make_photo(dir / "result.png", 3, 24, 24, true);
  const auto result =
      run_zsr({"eval", "-r", (dir / "truth.png").string(), "-i", (dir / "result.png").string(), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("transparency is ignored"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("24x25 to 24x24"), std::string::npos) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["notes"].size(), 2U);
}

TEST(Eval, ErrorObjectsHoldOnlyWhatHappened) {
  const TempDir dir;
  const auto result = run_zsr({"upscale", (dir / "none.png").string(), "-s", "2", "--json", "-q"});
  EXPECT_EQ(result.code, 1);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_FALSE(json.contains("passing")) << result.out;
  EXPECT_TRUE(json.contains("error"));
}

TEST(Eval, MismatchesAreErrors) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 24, 24);
  make_photo(dir / "b.png", 3, 20, 24);
  const auto sizes = run_zsr({"eval", "-r", (dir / "a.png").string(), "-i", (dir / "b.png").string()});
  EXPECT_EQ(sizes.code, 1);
  EXPECT_NE(sizes.err.find("equal in size"), std::string::npos);
  EXPECT_EQ(run_zsr({"eval", "-r", (dir / "a.png").string(), "-i", (dir / "none.png").string()}).code, 1);
  EXPECT_EQ(run_zsr({"eval", "-r", (dir / "a.png").string()}).code, 2);
}

// A model of NIQE in a file of our own; its names are those of the authors' release.
void write_niqe_model(const std::filesystem::path& path) {
  WeightsFile file;
  file.tensors = {{"mu_prisparam", torch::arange(36, torch::kFloat64).view({1, 36})},
                  {"cov_prisparam", torch::eye(36, torch::kFloat64)}};
  write_safetensors(path, file, Overwrite::kYes);
}

TEST(Eval, MeasuresWhatItsFilesAllow) {
  const TempDir dir;
  make_photo(dir / "truth.png", 3, 192, 200);
  ASSERT_EQ(run_zsr({"degrade", (dir / "truth.png").string(), "-o", (dir / "lr").string(), "-s", "2"}).code, 0);
  ASSERT_EQ(
      run_zsr({"upscale", (dir / "lr/truth.png").string(), "-o", (dir / "big.png").string(), "-m", "bicubic"}).code, 0);
  write_niqe_model(dir / "niqe.safetensors");
  const std::vector<std::string> call = {"eval",
                                         "-i",
                                         (dir / "big.png").string(),
                                         "--photo",
                                         (dir / "lr/truth.png").string(),
                                         "--niqe",
                                         (dir / "niqe.safetensors").string(),
                                         "--json"};
  const auto blind = run_zsr(call);
  ASSERT_EQ(blind.code, 0) << blind.err;
  const auto known = nlohmann::json::parse(blind.out)["mean"];
  EXPECT_FALSE(known.contains("psnr_y"));
  EXPECT_GT(known["niqe"].get<double>(), 0.0);
  const torch::Tensor again = imresize(load_photo(dir / "big.png").color, {0.5, 0.5});
  EXPECT_NEAR(known["consistency_db"].get<double>(), psnr(again, load_photo(dir / "lr/truth.png").color), 1e-6);
  EXPECT_GE(known["invented"].get<double>(), 0.0);
  std::vector<std::string> with_truth = call;
  with_truth.insert(with_truth.end(), {"-r", (dir / "truth.png").string(), "--metrics", "all"});
  const auto all = run_zsr(with_truth);
  ASSERT_EQ(all.code, 0) << all.err;
  const auto mean = nlohmann::json::parse(all.out)["mean"];
  for (const char* const key : {"psnr_y", "ssim_y", "ms_ssim", "psnr_shifted", "niqe", "consistency_db", "invented"}) {
    EXPECT_TRUE(mean[key].is_number()) << key;
  }
  EXPECT_GE(mean["psnr_shifted"].get<double>(), mean["psnr_y"].get<double>() - 0.5);
}

TEST(Eval, SaysWhatAMetricLacks) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 40, 40);
  const std::string a = (dir / "a.png").string();
  const auto refused = [&](std::vector<std::string> flags, int code, const std::string& word) {
    std::vector<std::string> call = {"eval", "-i", a};
    call.insert(call.end(), flags.begin(), flags.end());
    const auto result = run_zsr(call);
    EXPECT_EQ(result.code, code) << word;
    EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
  };
  refused({"-r", a, "--metrics", "niqe"}, 2, "--niqe FILE");
  refused({"-r", a, "--metrics", "lpips"}, 2, "--lpips BACKBONE,HEADS");
  refused({"-r", a, "--metrics", "psnr,beauty"}, 2, "beauty");
  refused({"-r", a, "--metrics", "consistency"}, 2, "--photo");
  refused({"-r", a, "--lpips", "one.pth"}, 2, "two files");
  refused({"-r", a, "--niqe", (dir / "none.mat").string()}, 1, "none.mat");
  refused({"--photo", a, "--metrics", "psnr"}, 2, "-r REFERENCE");
  refused({"--photo", a, "-s", "2"}, 1, "80x80");
  refused({"--niqe", a}, 1, "a.png");
}

TEST(Degrade, CutsToAMultipleAndRefusesToOverwrite) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 25, 26);
  ASSERT_EQ(run_zsr({"degrade", (dir / "a.png").string(), "-o", (dir / "lr").string(), "-s", "3"}).code, 0);
  EXPECT_EQ(load_photo(dir / "lr/a.png").color.sizes(), (std::vector<int64_t>{1, 3, 8, 8}));
  EXPECT_EQ(run_zsr({"degrade", (dir / "a.png").string(), "-o", (dir / "lr").string(), "-s", "3"}).code, 1);
}

}  // namespace
}  // namespace zsr::test
