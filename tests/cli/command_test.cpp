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

TEST(Command, LauncherAndCoreSayTheSame) {
  // The launcher answers from what the core wrote when zsr was built.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"help"}, {"upscale", "--help"}, {"kernel", "make", "--help"}, {"--version"}}) {
    std::string core = std::string(ZSR_PROGRAM) + "-core";
    for (const std::string& word : words) core += " " + word;
    FILE* const pipe = popen(core.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string text;
    for (int c = 0; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
    pclose(pipe);
    EXPECT_EQ(run_zsr(words).out, text);
  }
}

TEST(Command, DocumentationCoversEveryCommandAndFlag) {
  const test::TempDir dir;
  ASSERT_EQ(run_zsr({"documentation", dir.path().string()}).code, 0);
  const std::string bash = test::read_bytes(dir / "completions/zsr.bash");
  for (const Command& command : commands()) {
    if (std::string(command.name) == "bench") continue;  // flags of degrade
    const std::string page = test::read_bytes(dir / (std::string("man/zsr-") + command.name + ".1"));
    EXPECT_EQ(page.rfind(".TH ", 0), 0U) << command.name;
    EXPECT_NE(bash.find(std::string("    ") + command.name + ") "), std::string::npos);
  }
  const std::string page = test::read_bytes(dir / "man/zsr-upscale.1");
  for (const char* const flag : {"scale", "skip\\-existing", "jobs", "seed"}) {
    EXPECT_NE(page.find(std::string("\\-\\-") + flag), std::string::npos) << flag;
  }
}

TEST(Command, BugReportTellsOfTheMachineAlone) {
  const auto report = run_zsr({"info", "--bug-report"}, "export SECRET_TOKEN=hush LANG=C;");
  EXPECT_EQ(report.code, 0);
  for (const char* const part : {"zsr ", "LibTorch", "libvips", "cores ", "LANG=C"}) {
    EXPECT_NE(report.out.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(report.out.find("hush"), std::string::npos);
}

TEST(Command, InfoOfAPhoto) {
  const auto info = run_zsr({"info", std::string(ZSR_EXAMPLES) + "/cat.jpg"});
  EXPECT_EQ(info.code, 0);
  EXPECT_NE(info.out.find("451x300"), std::string::npos);
  EXPECT_NE(info.out.find("kept"), std::string::npos);
}

}  // namespace
}  // namespace zsr::cli
