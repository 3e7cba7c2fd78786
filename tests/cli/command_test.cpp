#include "cli/command.h"

#include "cli/closest.h"
#include "cli/terminal/usage_error.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sys/wait.h>

namespace zsr::cli {
namespace {

using test::ProgramResult;
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
  using Words = std::vector<std::string>;
  EXPECT_EQ(close_words("rcn", {"srcnn", "rcan", "rdn", "swinir"}, 3), (Words{"rcan", "rdn", "srcnn"}));
  EXPECT_EQ(close_words("rcn", {"srcnn", "rcan", "rdn", "swinir"}, 2), (Words{"rcan", "rdn"}));
  EXPECT_EQ(close_words("zzzzzzzz", {"edsr"}, 3), Words{});
}

TEST(Command, VersionAndInfo) {
  EXPECT_EQ(run_zsr({"--version"}).out.rfind("zsr ", 0), 0U);
  const auto info = run_zsr({"info"});
  EXPECT_EQ(info.code, 0);
  EXPECT_NE(info.out.find("LibTorch"), std::string::npos);
  EXPECT_NE(info.out.find("convolution"), std::string::npos);
}

struct Said {
  std::string text;
  int code = 0;
};

// What `program` prints, on both streams.
Said run_alone(const std::string& program, const std::vector<std::string>& words) {
  std::string line = program + " 2>&1";
  for (const std::string& word : words) line.append(" '").append(word).append("'");
  FILE* const pipe = popen(line.c_str(), "r");
  Said said;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) said.text += static_cast<char>(c);
  said.code = WEXITSTATUS(pclose(pipe));
  return said;
}

// The launcher answers from what the core wrote when zsr was built. Copied away from the core it can do nothing else.
TEST(Command, LauncherSaysByItselfWhatTheCoreWouldSay) {
  const test::TempDir dir;
  const std::string launcher = dir / "zsr";
  std::filesystem::copy_file(ZSR_PROGRAM, launcher);
  const std::string core = std::string(ZSR_PROGRAM) + "-core";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"help"},
           {"upscale", "--help"},
           {"kernel", "make", "--help"},
           {"--version"},
           {"upscal", "x.png"},
           {"worke"},
           {"upscale", "x.png", "--scael", "2"},
           {"upscale", "x.png", "--scael=2"},
           {"upscale", "x.png", "-Q"},
           {"upscale", "x.png", "--zzzzzzzzzzz"},
           {"upscale", "--scale"},
           {"upscale", "x.png", "-s"},
           {"kernel", "make", "gaussian", "--sgima", "2"},
           {"train", "edsr", "photos", "--stps", "2"},
           {"eval", "--refrence", "x"},
       }) {
    const Said short_way = run_alone(launcher, words);
    const Said long_way = run_alone(core, words);
    EXPECT_EQ(short_way.text, long_way.text);
    EXPECT_EQ(short_way.code, long_way.code) << short_way.text;
  }
  // The core also says what it was about to do.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"upscale", dir / "nope.png"}, {"edsr", "-s", "3", dir / "nope.png"}}) {
    const Said short_way = run_alone(launcher, words);
    const Said long_way = run_alone(core, words);
    EXPECT_EQ(short_way.code, 1);
    EXPECT_EQ(long_way.code, 1);
    EXPECT_NE(short_way.text.find("No such file"), std::string::npos) << short_way.text;
    EXPECT_NE(long_way.text.find(short_way.text), std::string::npos) << long_way.text;
  }
}

// Where it is not sure, the launcher leaves it to the core, which is not there.
TEST(Command, LauncherLeavesTheRestToTheCore) {
  const test::TempDir dir;
  const std::string launcher = dir / "zsr";
  std::filesystem::copy_file(ZSR_PROGRAM, launcher);
  test::write_bytes(dir / "photo.png", "no photo");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"upscale", dir / "photo.png"},
           {"upscale", dir / "nope.png", "--json"},
           {"upscale", dir / "nope.png", "-s", "9"},
           {"upscale", dir / "nope.png", dir / "photo.png"},
           {"upscale", "-s2", dir / "nope.png"},
           {"upscale", dir / "nope.png", "-o", "-1"},
           {"upscale", "--output", "--scael"},
           {"kernel", "mkae"},
           {"train", "--stps"},
           {"bench", "--nonsense"},
           {"documentation"},
           {"upscale", "--scael", "--help"},
       }) {
    const Said said = run_alone(launcher, words);
    EXPECT_NE(said.text.find("cannot start"), std::string::npos) << said.text;
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

TEST(Command, TrainNamesTheNearestNetworks) {
  const auto expect_refused = [](const std::vector<std::string>& words, const std::vector<std::string>& parts) {
    const ProgramResult result = run_zsr(words);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_LT(result.err.size(), 200U) << result.err;
    for (const std::string& part : parts) EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  };
  expect_refused({"train", "esdr"}, {"no network 'esdr'", "'edsr'", "zsr train --list"});
  expect_refused({"train", "tema"}, {"'team'"});
  expect_refused({"train", "qqqqqqqq"}, {"no network 'qqqqqqqq' to train; 'zsr train --list'"});
  expect_refused({"train"}, {"zsr train edsr photos/", "zsr train --list"});
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
