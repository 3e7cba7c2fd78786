#include "tests/cli/support.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sys/wait.h>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

// Runs a line of bash in `dir`, in which $ZSR is the program; its exit code.
int run_shell(const TempDir& dir, const std::string& line) {
  write_bytes(dir / "line.sh", "set -o pipefail; cd '" + dir.path().string() + "'; ZSR='" + std::string(ZSR_PROGRAM) +
                                   "'\n" + line + "\n");
  const int status = std::system(("bash '" + (dir / "line.sh").string() + "'").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

class Pipes : public ::testing::Test {
 protected:
  void SetUp() override {
    make_photo(dir_ / "in.png", 3, 12, 14, false, 16);
    ASSERT_EQ(run_shell(dir_, "$ZSR upscale in.png -o want.png -s 2 -m bicubic -q --no-record"), 0);
    want_ = read_bytes(dir_ / "want.png");
  }
  TempDir dir_;
  std::string want_;
};

TEST_F(Pipes, StandardInputToStandardOutput) {
  ASSERT_EQ(run_shell(dir_, "cat in.png | $ZSR upscale - -o - -f png -s 2 -m bicubic 2>err | cat >got.png"), 0);
  EXPECT_EQ(read_bytes(dir_ / "got.png"), want_);
  ASSERT_EQ(run_shell(dir_, "$ZSR upscale - -o - -s 2 -m bicubic <in.png >redirected.png 2>err"), 0);
  EXPECT_EQ(read_bytes(dir_ / "redirected.png"), want_);
  EXPECT_FALSE(fs::exists(dir_ / "-"));
  EXPECT_FALSE(fs::exists(dir_ / "-.zsr.json"));
}

TEST_F(Pipes, DevicesAndProcessSubstitution) {
  ASSERT_EQ(
      run_shell(dir_, "cat in.png | $ZSR upscale /dev/stdin -o /dev/stdout -f png -s 2 -m bicubic 2>err | cat >a.png"),
      0);
  EXPECT_EQ(read_bytes(dir_ / "a.png"), want_);
  ASSERT_EQ(run_shell(dir_, "$ZSR upscale <(cat in.png) -o b.png -s 2 -m bicubic -q"), 0);
  EXPECT_EQ(read_bytes(dir_ / "b.png"), want_);
}

TEST_F(Pipes, ErrorsLeaveStandardOutputEmpty) {
  EXPECT_EQ(run_shell(dir_, "echo no photo | $ZSR upscale - -o - -f png -s 2 >got 2>err"), 1);
  EXPECT_EQ(read_bytes(dir_ / "got"), "");
  EXPECT_NE(read_bytes(dir_ / "err").find("'-'"), std::string::npos);
  EXPECT_EQ(run_shell(dir_, "$ZSR upscale - -s 2 <in.png >got 2>err"), 2);
  EXPECT_EQ(run_shell(dir_, "$ZSR upscale in.png in.png -o - -s 2 >got 2>err"), 2);
  EXPECT_EQ(run_shell(dir_, "$ZSR upscale in.png -o - --json -s 2 >got 2>err"), 2);
  EXPECT_EQ(run_shell(dir_, "$ZSR upscale - in.png -o out/ -s 2 <in.png >got 2>err"), 2);
  EXPECT_EQ(read_bytes(dir_ / "got"), "");
}

}  // namespace
}  // namespace zsr::test
