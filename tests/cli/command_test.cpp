#include "cli/command.h"

#include "cli/usage_error.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

namespace zsr::cli {
namespace {

using test::run_zsr;

TEST(Command, HelpListsEveryCommandAndEachHasHelp) {
  const auto help = run_zsr({"help"});
  EXPECT_EQ(help.code, 0);
  for (const Command& command : commands()) {
    EXPECT_NE(help.out.find(command.name), std::string::npos);
    const auto own = run_zsr({command.name, "--help"});
    EXPECT_EQ(own.code, 0) << command.name;
    EXPECT_NE(own.out.find("Usage: zsr"), std::string::npos);
    EXPECT_NE(own.out.find("Examples:"), std::string::npos);
    EXPECT_TRUE(own.err.empty());
  }
}

TEST(Command, HelpShowsTheDefaultsOfTheStructs) {
  const auto help = run_zsr({"upscale", "--help"});
  const zsr::test::ProgramResult paper = run_zsr({"zssr", "--preset", "paper", "--help"});
  EXPECT_NE(help.out.find("--seed"), std::string::npos);
  EXPECT_NE(help.out.find("[95]"), std::string::npos);    // --quality
  EXPECT_NE(help.out.find("[200M]"), std::string::npos);  // --max-pixels
  EXPECT_EQ(paper.code, 0);
}

TEST(Command, UnknownCommandsAreRefusedWithAGuess) {
  const auto result = run_zsr({"upscal", "x.png"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("did you mean 'upscale'?"), std::string::npos);
  EXPECT_EQ(run_zsr({}).code, 2);
  EXPECT_THROW(dispatch({"nonsense"}), UsageError);
}

TEST(Command, ClosestWordIsCloseOrNothing) {
  EXPECT_EQ(closest("evl", {"eval", "info"}), "eval");
  EXPECT_EQ(closest("zzzzzzzz", {"eval", "info"}), "");
}

TEST(Command, VersionAndInfo) {
  EXPECT_EQ(run_zsr({"--version"}).out.rfind("zsr ", 0), 0U);
  const auto info = run_zsr({"info"});
  EXPECT_EQ(info.code, 0);
  EXPECT_NE(info.out.find("LibTorch"), std::string::npos);
  EXPECT_NE(info.out.find("convolution"), std::string::npos);
}

TEST(Command, InfoOfAPhoto) {
  const auto info = run_zsr({"info", std::string(ZSR_EXAMPLES) + "/cat.jpg"});
  EXPECT_EQ(info.code, 0);
  EXPECT_NE(info.out.find("451x300"), std::string::npos);
  EXPECT_NE(info.out.find("kept"), std::string::npos);
}

}  // namespace
}  // namespace zsr::cli
