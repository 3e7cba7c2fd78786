#include "cli/compare/crops.h"
#include "cli/compare/method_spec.h"
#include "cli/terminal/usage_error.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <sstream>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

TEST(MethodSpec, SaysWhatIsRun) {
  const auto specs = cli::parse_methods("bicubic,edsr=w.pth,zssr,zssr+kernelgan,srmd+true=s.pth");
  ASSERT_EQ(specs.size(), 5U);
  EXPECT_EQ(specs[1].method, "edsr");
  EXPECT_EQ(specs[1].weights, "w.pth");
  EXPECT_EQ(specs[1].kernel, "");
  EXPECT_EQ(specs[2].kernel, "bicubic");
  EXPECT_EQ(specs[3].kernel, "auto");
  EXPECT_EQ(specs[4].kernel, "true");
  EXPECT_EQ(specs[4].weights, "s.pth");
  EXPECT_EQ(cli::arguments_of(specs[0], ""), (std::vector<std::string>{"-m", "bicubic"}));
  EXPECT_EQ(cli::arguments_of(specs[4], "k.mat"),
            (std::vector<std::string>{"-m", "srmd", "--weights", "s.pth", "--kernel", "k.mat", "--noise", "0"}));
  EXPECT_THROW(cli::arguments_of(specs[4], ""), cli::UsageError);
  const auto settings =
      cli::parse_methods("zssr+steps=9+ensemble=off,restore+adapt+detail=0.5,srmd+weights=a.pth+auto");
  EXPECT_EQ(cli::arguments_of(settings[0], ""),
            (std::vector<std::string>{"-m", "zssr", "--kernel", "bicubic", "--steps=9", "--ensemble=off"}));
  EXPECT_EQ(cli::arguments_of(settings[1], ""), (std::vector<std::string>{"-m", "restore", "--adapt", "--detail=0.5"}));
  EXPECT_EQ(cli::arguments_of(settings[2], ""),
            (std::vector<std::string>{"-m", "srmd", "--weights", "a.pth", "--kernel", "auto"}));
  for (const char* const wrong : {"", "magic", "edsr+kernelgan", "zssr+magic", "zssr,zssr", "edsr=", "edsr+steps=3",
                                  "zssr+steps", "restore+adapt=1"}) {
    EXPECT_THROW(cli::parse_methods(wrong), cli::UsageError) << wrong;
  }
}

TEST(Crops, LieWhereTheResultsDiffer) {
  std::vector<cli::MethodResult> results(2);
  results[0].image = torch::full({1, 3, 80, 100}, 0.5);
  results[1].image = results[0].image.clone();
  results[1].image.slice(2, 60, 64).slice(3, 20, 24).fill_(1.0);
  results[1].image.slice(2, 10, 12).slice(3, 80, 82).fill_(0.8);
  const auto crops = cli::crops_of_difference(results, 16, 5);
  ASSERT_GE(crops.size(), 2U);
  const auto holds = [](const cli::Crop& crop, int64_t y, int64_t x) {
    return crop.y <= y && y < crop.y + crop.side && crop.x <= x && x < crop.x + crop.side;
  };
  EXPECT_TRUE(holds(crops[0], 61, 21));
  EXPECT_TRUE(holds(crops[1], 10, 80) || holds(crops[1], 61, 21));
  results.pop_back();
  EXPECT_TRUE(cli::crops_of_difference(results, 16, 5).empty());
}

class CompareCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "photos");
    make_photo(dir_ / "photos" / "a.png", 3, 90, 100);
    make_photo(dir_ / "photo.png", 3, 40, 44);
    make_photo(dir_ / "truth.png", 3, 80, 88);
    ASSERT_EQ(run_zsr({"train", "edsr", at("photos"), "-o", at("edsr.safetensors"), "--width", "16", "--depth", "2",
                       "--patch", "12", "--batch", "2", "--steps", "1", "-q", "-j", "1"})
                  .code,
              0);
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  TempDir dir_;
};

TEST_F(CompareCommand, ComparesAGrayPhotoWithAReferenceStoredAsRgb) {
  Photo photo;
  photo.color = quantize(texture(1, 40, 44).to(torch::kFloat32));
  save_photo(photo, dir_ / "gray.png", {});
  photo.color = quantize(texture(1, 80, 88).to(torch::kFloat32));
  save_photo(photo, dir_ / "gray_truth.png", {});
  photo.color = photo.color.repeat({1, 3, 1, 1});
  save_photo(photo, dir_ / "rgb_truth.png", {});
  const auto rgb_psnr = [&](const std::string& truth) {
    const auto result = run_zsr({"compare", at("gray.png"), "-s", "2", "-m", "bicubic", "-r", at(truth), "-o",
                                 at(truth + ".html"), "--json", "-q", "-j", "1"});
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out)["methods"][0]["figures"]["psnr_rgb"].get<double>();
  };
  EXPECT_NEAR(rgb_psnr("rgb_truth.png"), rgb_psnr("gray_truth.png"), 1e-9);
}

TEST_F(CompareCommand, WritesAReportOfWhatWorkedAndWhatDidNot) {
  const std::string methods = "bicubic,edsr=" + at("edsr.safetensors") + ",vdsr";
  const ProgramResult result = run_zsr({"compare", at("photo.png"), "-s", "2", "-m", methods, "-r", at("truth.png"),
                                        "-o", at("report.html"), "--keep", at("kept"), "-j", "1"});
  EXPECT_EQ(result.code, 1);  // one method lacks its weights
  EXPECT_EQ(result.out, at("report.html") + "\n");
  const auto json = nlohmann::json::parse(read_bytes(dir_ / "report.json"));
  ASSERT_EQ(json["methods"].size(), 3U);
  EXPECT_EQ(json["methods"][0]["status"], "done");
  EXPECT_EQ(json["methods"][1]["status"], "done") << json["methods"][1]["message"];
  EXPECT_EQ(json["methods"][2]["status"], "not run");
  EXPECT_NE(json["methods"][2]["message"].get<std::string>().find("--weights"), std::string::npos);
  // The same figures as `zsr eval` gives.
  const ProgramResult eval =
      run_zsr({"eval", "-r", at("truth.png"), "-i", at("kept/bicubic.png"), "-s", "2", "--json"});
  ASSERT_EQ(eval.code, 0) << eval.err;
  EXPECT_NEAR(json["methods"][0]["figures"]["psnr_y"].get<double>(),
              nlohmann::json::parse(eval.out)["mean"]["psnr_y"].get<double>(), 1e-9);
  EXPECT_GT(json["methods"][0]["figures"]["peak_memory_mb"].get<double>(), 1.0);
  std::istringstream csv(read_bytes(dir_ / "report.csv"));
  std::string line;
  std::getline(csv, line);
  EXPECT_TRUE(line.starts_with("method,status,psnr_y,"));
  int rows = 0;
  while (std::getline(csv, line)) ++rows;
  EXPECT_EQ(rows, 3);
  const std::string page = read_bytes(dir_ / "report.html");
  for (const char* const part :
       {"<img-comparison-slider", "data:image/webp;base64,", "customElements.define", "Panzoom", "uPlot"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  // Nothing is fetched.
  for (const char* const part : {"src=\"http", "href=\"http", "@import", "url(http"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  EXPECT_LT(page.size(), 10'000'000U);
}

TEST_F(CompareCommand, RefusesBeforeTheWork) {
  const auto refused = [&](std::vector<std::string> more, int code, const char* why) {
    more.insert(more.begin(), {"compare", at("photo.png"), "-o", at("r.html"), "-q", "-j", "1"});
    const ProgramResult result = run_zsr(more);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "r.html"));
  };
  make_photo(dir_ / "larger.png", 3, 82, 89);
  refused({"-m", "magic"}, 2, "'magic' is no method");
  refused({"-m", "zssr+true"}, 2, "needs --kernel FILE");
  refused({"-m", "bicubic", "-r", at("photo.png")}, 1, "the results will be 88x80");
  refused({"-m", "bicubic", "-r", at("larger.png")}, 1, "--crop-reference");
  const ProgramResult cropped = run_zsr({"compare", at("photo.png"), "-o", at("r.html"), "-q", "-j", "1", "-m",
                                         "bicubic", "-r", at("larger.png"), "--crop-reference"});
  EXPECT_EQ(cropped.code, 0) << cropped.err;
}

TEST_F(CompareCommand, AMethodThatTakesTooLongHasItsRow) {
  // Enough for bicubic to start and end on slow machines, and minutes less than dip takes on quick ones.
  const ProgramResult result = run_zsr({"compare", at("photo.png"), "-m", "bicubic,dip", "--time", "10s", "-o",
                                        at("report.html"), "-q", "-j", "1", "--json"});
  EXPECT_EQ(result.code, 1);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["methods"][0]["status"], "done");
  EXPECT_EQ(json["methods"][1]["status"], "failed");
  EXPECT_NE(json["methods"][1]["message"].get<std::string>().find("longer than 10 s"), std::string::npos);
  EXPECT_TRUE(fs::exists(dir_ / "report.html"));
}

TEST_F(CompareCommand, ABenchmarkGoesOnWhereItWasStopped) {
  make_photo(dir_ / "photos" / "b.png", 3, 64, 70);
  ASSERT_EQ(run_zsr({"bench", "make", at("photos"), "-o", at("blind"), "-s", "2", "-q"}).code, 0);
  const std::vector<std::string> call = {
      "compare", "--dataset", at("blind"), "-s", "2",      "-m",      "bicubic,edsr=" + at("edsr.safetensors"),
      "-o",      at("out"),   "-j",        "1",  "--json", "--seeds", "2"};
  const ProgramResult result = run_zsr(call);
  ASSERT_EQ(result.code, 0) << result.err;
  const auto report = nlohmann::json::parse(result.out);
  ASSERT_EQ(report["runs"].size(), 8U);
  EXPECT_EQ(report["methods"][0]["images"], 2);
  double mean = 0.0;
  for (const auto& run : report["runs"]) {
    if (run["method"] == "bicubic") mean += run["figures"]["psnr_y"].get<double>() / 4.0;
  }
  EXPECT_NEAR(report["methods"][0]["mean"]["psnr_y"].get<double>(), mean, 1e-9);
  EXPECT_NEAR(report["methods"][0]["spread_over_seeds"]["psnr_y"].get<double>(), 0.0, 1e-12);  // it knows no chance
  for (const char* const file : {"index.html", "report.json", "report.csv", "pages/a.html", "pages/b.html"}) {
    EXPECT_TRUE(fs::exists(dir_ / "out" / file)) << file;
  }
  // A second call runs nothing again, but what was taken away.
  const auto written = [&](const char* image) {
    return fs::last_write_time(dir_ / "out" / "images" / image / "seed_0" / "bicubic.json");
  };
  const auto first = written("a");
  fs::remove(dir_ / "out" / "images" / "b" / "seed_0" / "bicubic.json");
  const ProgramResult again = run_zsr(call);
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(written("a"), first);
  EXPECT_TRUE(fs::exists(dir_ / "out" / "images" / "b" / "seed_0" / "bicubic.json"));
  EXPECT_EQ(nlohmann::json::parse(again.out)["methods"][0]["mean"]["psnr_y"], report["methods"][0]["mean"]["psnr_y"]);
  const ProgramResult refused = run_zsr({"compare", "--dataset", at("blind"), at("photo.png"), "-o", at("out2")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(run_zsr({"bench"}).code, 2);
}

}  // namespace
}  // namespace zsr::test
