#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

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

TEST(Eval, EqualImagesAreNullInJson) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 24, 24);
  const auto result = run_zsr({"eval", "-r", (dir / "a.png").string(), "-i", (dir / "a.png").string(), "--json"});
  EXPECT_TRUE(nlohmann::json::parse(result.out)["mean"]["psnr_y"].is_null());
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

TEST(Degrade, CutsToAMultipleAndRefusesToOverwrite) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 25, 26);
  ASSERT_EQ(run_zsr({"degrade", (dir / "a.png").string(), "-o", (dir / "lr").string(), "-s", "3"}).code, 0);
  EXPECT_EQ(load_photo(dir / "lr/a.png").color.sizes(), (std::vector<int64_t>{1, 3, 8, 8}));
  EXPECT_EQ(run_zsr({"degrade", (dir / "a.png").string(), "-o", (dir / "lr").string(), "-s", "3"}).code, 1);
}

}  // namespace
}  // namespace zsr::test
