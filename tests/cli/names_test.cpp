#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

TEST(Names, OneFileCannotHoldSeveralResults) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 8, 9);
  make_photo(dir / "b.png", 3, 8, 9);
  const auto result = run_zsr(by_bicubic(
      {"upscale", (dir / "a.png").string(), (dir / "b.png").string(), "-o", (dir / "one.png").string(), "-q"}));
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("name a folder"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(dir / "one.png"));
}

TEST(Names, PhotosThatDifferInTheirExtensionKeepApart) {
  const TempDir dir;
  fs::create_directories(dir / "in");
  for (const char* const name : {"in/a.jpg", "in/a.png", "in/b.png"}) make_photo(dir / name, 3, 8, 9);
  const auto call =
      by_bicubic({"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "-f", "png", "-q", "--no-record"});
  ASSERT_EQ(run_zsr(call).code, 0);
  for (const char* const name : {"out/a_jpg.png", "out/a_png.png", "out/b.png"}) {
    EXPECT_TRUE(fs::exists(dir / name)) << name;
  }
}

TEST(Names, ACollisionStopsThatPhotoOnly) {
  const TempDir dir;
  for (const char* const name : {"x/a.png", "y/a.png", "y/c.png"}) {
    fs::create_directories((dir / name).parent_path());
    make_photo(dir / name, 3, 8, 9);
  }
  const auto result = run_zsr(by_bicubic({"upscale", (dir / "x/a.png").string(), (dir / "y").string(), "-o",
                                          (dir / "out").string() + "/", "-q", "--json"}));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("written twice"), std::string::npos) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["made"], 2);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_TRUE(fs::exists(dir / "out/a.png"));
  EXPECT_TRUE(fs::exists(dir / "out/c.png"));
}

TEST(Names, PatternNamesResults) {
  const TempDir dir;
  fs::create_directories(dir / "in");
  make_photo(dir / "in/a.png", 3, 8, 9);
  const std::string in = (dir / "in").string();
  ASSERT_EQ(run_zsr(by_bicubic({"upscale", in + "/a.png", "--name", "{stem}_x{scale}_{method}{ext}", "-q"})).code, 0);
  EXPECT_TRUE(fs::exists(dir / "in/a_x2_bicubic.png"));
  ASSERT_EQ(run_zsr(by_bicubic({"upscale", in, "-o", (dir / "out").string(), "--include", "a.png", "--name",
                                "big-{stem}.tif", "-q"}))
                .code,
            0);
  EXPECT_TRUE(fs::exists(dir / "out/big-a.tif"));
  for (const char* const wrong : {"{stem}", "{name}.png", "sub/{stem}.png", "{stem.png", "{stem}.exr"}) {
    EXPECT_EQ(run_zsr(by_bicubic({"upscale", in + "/a.png", "--name", wrong, "-q", "--force"})).code, 2) << wrong;
  }
}

TEST(Names, IncludeIgnoresCase) {
  const TempDir dir;
  fs::create_directories(dir / "in");
  for (const char* const name : {"in/a.jpg", "in/B.JPG", "in/c.png"}) make_photo(dir / name, 3, 8, 9);
  const auto result = run_zsr(by_bicubic(
      {"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "--include", "*.jpg", "--json", "-q"}));
  EXPECT_EQ(nlohmann::json::parse(result.out)["made"], 2) << result.err;
}

TEST(Names, KeepTimeGivesTheResultThePhotosTime) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 8, 9);
  const timespec old[2] = {{946684800, 0}, {946684800, 5000}};
  ASSERT_EQ(utimensat(AT_FDCWD, (dir / "a.png").c_str(), old, 0), 0);
  ASSERT_EQ(
      run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", (dir / "o.png").string(), "--keep-time", "-q"}))
          .code,
      0);
  EXPECT_EQ(fs::last_write_time(dir / "o.png"), fs::last_write_time(dir / "a.png"));
}

}  // namespace
}  // namespace zsr::test
