#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

TEST(Batch, FolderGoesOnPastABadFileAndSaysSo) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "in");
  make_photo(dir / "in/a.png", 3, 18, 18);
  make_photo(dir / "in/c.png", 1, 18, 18);
  write_bytes(dir / "in/b.png", "broken");
  write_bytes(dir / "in/readme.txt", "junk");
  write_bytes(dir / "in/.DS_Store", "junk");
  const auto result = run_zsr(quick({"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "-q", "--json"}));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("b.png"), std::string::npos);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["images"].size(), 3U);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["not_images"], 2);
  EXPECT_TRUE(std::filesystem::exists(dir / "out/a.png"));
  EXPECT_TRUE(std::filesystem::exists(dir / "out/c.png"));
  EXPECT_FALSE(std::filesystem::exists(dir / "out/b.png"));
}

TEST(Batch, SkipExistingLeavesFinishedPhotosAlone) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "in/deep");
  std::filesystem::create_directory(dir / "out");
  make_photo(dir / "in/a.png", 3, 18, 18);
  make_photo(dir / "in/deep/b.png", 3, 18, 18);
  write_bytes(dir / "out/a.png", "done before");
  const auto result =
      run_zsr(quick({"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "-r", "--skip-existing", "-q"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_bytes(dir / "out/a.png"), "done before");
  EXPECT_EQ(load_photo(dir / "out/deep/b.png").color.size(2), 36);
}

TEST(Batch, FolderWithoutOutputIsAUsageError) {
  const TempDir dir;
  EXPECT_EQ(run_zsr({"upscale", dir.path().string()}).code, 2);
}

TEST(Batch, DefaultNameStandsBesideThePhoto) {
  const TempDir dir;
  make_photo(dir / "a b[1].png", 3, 18, 18);  // blanks and brackets are part of the name, nothing else
  const auto result = run_zsr(quick({"upscale", (dir / "a b[1].png").string(), "-s", "1.5", "-q"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(load_photo(dir / "a b[1]_x1.5.png").color.size(2), 27);
  EXPECT_TRUE(std::filesystem::exists(dir / "a b[1]_x1.5.png.zsr.json"));
}

TEST(Batch, ProgressIsPlainLinesWithoutATerminalAndSettingsAreShown) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 18, 18);
  const auto result = run_zsr(quick({"upscale", (dir / "a.png").string()}));
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.err.find("train x2 3/3"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("seed 0"), std::string::npos);
  EXPECT_EQ(result.err.find('\r'), std::string::npos);
  EXPECT_EQ(result.out, (dir / "a_x2.png").string() + "\n");  // stdout carries the result's name alone
}

TEST(Batch, GpuMinusOneIsTheCpu) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 18, 18);
  const auto result = run_zsr(quick({"upscale", (dir / "a.png").string(), "-g", "-1", "-q", "--json"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["environment"]["device"], "cpu");
}

TEST(Batch, SameSeedSameBytesOtherThreadsSameSize) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 30, 30);
  for (const char* name : {"1.png", "2.png"}) {
    run_zsr(quick({"upscale", (dir / "a.png").string(), "-o", (dir / name).string(), "--seed", "7", "-q"}));
  }
  EXPECT_EQ(read_bytes(dir / "1.png"), read_bytes(dir / "2.png"));
}

TEST(Batch, ZssrIsUpscaleWithTheMethodFixed) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 20);
  run_zsr(quick({"upscale", (dir / "a.png").string(), "-o", (dir / "1.png").string(), "-q"}));
  run_zsr(quick({"zssr", (dir / "a.png").string(), "-o", (dir / "2.png").string(), "-q"}));
  EXPECT_EQ(read_bytes(dir / "1.png"), read_bytes(dir / "2.png"));
  EXPECT_EQ(run_zsr({"zssr", (dir / "a.png").string(), "-m", "zssr"}).code, 2);
}

}  // namespace
}  // namespace zsr::test
