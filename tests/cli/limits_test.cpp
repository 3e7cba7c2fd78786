#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

TEST(Limits, LimitsOfFormatsAreSaidBeforeTheWork) {
  const TempDir dir;
  make_photo(dir / "strip.png", 1, 2, 9000);
  const auto webp =
      run_zsr({"upscale", (dir / "strip.png").string(), "-o", (dir / "w.webp").string(), "-s", "2", "-q"});
  EXPECT_EQ(webp.code, 2);
  EXPECT_NE(webp.err.find("16383"), std::string::npos) << webp.err;
  const auto jpeg = run_zsr({"upscale", (dir / "strip.png").string(), "-o", (dir / "w.jpg").string(), "-s", "8", "-q"});
  EXPECT_EQ(jpeg.code, 2);
  EXPECT_NE(jpeg.err.find("65500"), std::string::npos) << jpeg.err;
  EXPECT_EQ(dir.names(), std::vector<std::string>{"strip.png"});
}

TEST(Limits, TooLongWithTheRecordIsSaidBeforeTheWork) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 8, 9);
  const std::string name = std::string(246, 'n') + ".png";
  const auto result = run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", (dir / name).string(), "-q"}));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("--no-record"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(dir / name));
  EXPECT_EQ(
      run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", (dir / name).string(), "-q", "--no-record"})).code,
      0);
  const std::string longer = std::string(260, 'n') + ".png";
  EXPECT_EQ(run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", (dir / longer).string(), "-q"})).code, 1);
}

TEST(Limits, TheFolderOfTheOutputIsMade) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 8, 9);
  const fs::path output = dir / "new/sub/o.png";
  ASSERT_EQ(run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", output.string(), "-q"})).code, 0);
  EXPECT_TRUE(fs::exists(output));
}

}  // namespace
}  // namespace zsr::test
