// Every kind of bad input: one clear line that names the file or flag and the cause, exit code 1 or 2, nothing lost.
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <csignal>

namespace zsr::test {
namespace {

class BadInput : public testing::Test {
 protected:
  void SetUp() override { make_photo(dir_ / "good.png", 3, 20, 24); }

  // Runs a quick upscale with `arguments`; expects `code`, one line on stderr with all `words`, and no new file.
  void expect_refused(std::vector<std::string> arguments, int code, const std::vector<std::string>& words,
                      const std::string& before = "") {
    const auto names = dir_.names();
    arguments.insert(arguments.begin(), "upscale");
    arguments.emplace_back("-q");
    const ProgramResult result = run_zsr(quick(arguments), before);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.err.rfind("zsr: ", 0), 0U) << result.err;
    for (const std::string& word : words) EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(dir_.names(), names);
    EXPECT_TRUE(result.out.empty()) << result.out;
  }

  std::string at(const std::string& name) { return (dir_ / name).string(); }

  TempDir dir_;
};

TEST_F(BadInput, MissingImage) {
  expect_refused({at("none.png")}, 1, {"none.png", "No such file"});
}

TEST_F(BadInput, EmptyImage) {
  write_bytes(dir_ / "empty.png", "");
  expect_refused({at("empty.png")}, 1, {"empty.png", "empty"});
}

TEST_F(BadInput, TruncatedImages) {
  make_photo(dir_ / "whole.jpg", 3, 60, 60);
  make_photo(dir_ / "whole.tif", 3, 60, 60);
  for (const char* name : {"good.png", "whole.jpg", "whole.tif"}) {
    const std::string bytes = read_bytes(dir_ / name);
    const std::string cut = std::string("cut_") + name;
    write_bytes(dir_ / cut, bytes.substr(0, bytes.size() / 2));
    expect_refused({at(cut)}, 1, {cut});
  }
}

TEST_F(BadInput, TextNamedLikeAPhoto) {
  write_bytes(dir_ / "note.jpg", "this is not a photo at all");
  expect_refused({at("note.jpg")}, 1, {"note.jpg", "not a photo"});
}

TEST_F(BadInput, SvgAndOtherUntrustedKindsAreNotEvenOpened) {
  write_bytes(dir_ / "a.png", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>");
  expect_refused({at("a.png")}, 1, {"not a photo"});
}

TEST_F(BadInput, DecompressionBomb) {
  // A valid PNG header for 60000 x 60000 with nothing behind it, and one within limits whose output is over them.
  const std::string header("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\xEA\x60\0\0\xEA\x60\x08\x02\0\0\0\xD9\x11\x22\x33", 33);
  write_bytes(dir_ / "bomb.png", header);
  expect_refused({at("bomb.png")}, 1, {"bomb.png"});
  expect_refused({at("good.png"), "--max-pixels", "479"}, 1, {"good.png", "--max-pixels"});
  expect_refused({at("good.png"), "--max-pixels", "1000"}, 1, {"would be 48x40", "--max-pixels"});
}

TEST_F(BadInput, UnwritableAndMissingFolders) {
  expect_refused({at("good.png"), "-o", "/proc/out.png"}, 1, {"/proc/out.png"});
  expect_refused({at("good.png"), "-o", at("good.png/such/out.png")}, 1, {"cannot make the folder"});
}

TEST_F(BadInput, FullDisk) {
  expect_refused({at("good.png"), "-o", "/dev/full", "-f", "png"}, 1, {"/dev/full", "No space left"});
  // A file size limit stands for a disk that fills up while the photo is written; the old output survives.
  make_photo(dir_ / "big.png", 3, 120, 120);
  write_bytes(dir_ / "out.png", "old");
  expect_refused({at("big.png"), "-o", at("out.png"), "--force"}, 1, {"out.png", "File too large"}, "ulimit -f 8;");
  EXPECT_EQ(read_bytes(dir_ / "out.png"), "old");
}

TEST_F(BadInput, OutputEqualToInput) {
  const std::string bytes = read_bytes(dir_ / "good.png");
  std::filesystem::create_symlink(dir_ / "good.png", dir_ / "link.png");
  for (const char* name : {"good.png", "link.png"}) {
    expect_refused({at("good.png"), "-o", at(name), "--force"}, 1, {"is the input itself"});
  }
  EXPECT_EQ(read_bytes(dir_ / "good.png"), bytes);
}

TEST_F(BadInput, ExistingOutputNeedsForce) {
  write_bytes(dir_ / "out.png", "precious");
  expect_refused({at("good.png"), "-o", at("out.png")}, 1, {"out.png", "--force"});
  EXPECT_EQ(read_bytes(dir_ / "out.png"), "precious");
}

TEST_F(BadInput, TransparencyIntoJpeg) {
  make_photo(dir_ / "alpha.png", 3, 20, 20, true);
  expect_refused({at("alpha.png"), "-o", at("out.jpg")}, 2, {"alpha.png", "transparent"});
}

TEST_F(BadInput, Kernels) {
  const auto kernel = [&](const std::string& name, const std::string& text) {
    write_bytes(dir_ / name, text);
    return std::vector<std::string>{at("good.png"), "--kernel", at(name)};
  };
  expect_refused({at("good.png"), "--kernel", at("none.mat")}, 1, {"none.mat", "No such file"});
  expect_refused(kernel("zero.txt", "0 0\n0 0"), 1, {"zero.txt", "all zero"});
  expect_refused(kernel("nan.txt", "nan 1\n1 1"), 1, {"nan.txt", "NaN"});
  expect_refused(kernel("negative.txt", "-1 -1\n-1 -1"), 1, {"negative.txt", "positive sum"});
  expect_refused(kernel("ragged.txt", "1 2\n3"), 1, {"ragged.txt", "row 2"});
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "1 ";
  expect_refused(kernel("wide.txt", wide), 2, {"kernel", "larger than the image"});
  const std::string cube = std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                           "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2, 2), }" + std::string(55, ' ') +
                           "\n" + std::string(64, '\0');
  expect_refused(kernel("cube.npy", cube), 1, {"cube.npy", "2-D"});
}

TEST_F(BadInput, Scales) {
  for (const char* scale : {"1", "0.5", "0", "-2", "two", "nan", "", "1000"}) {
    expect_refused({at("good.png"), "-s", scale}, 2, {"scale"});
  }
}

TEST_F(BadInput, Flags) {
  expect_refused({at("good.png"), "--sed", "1"}, 2, {"--sed", "did you mean '--seed'?"});
  expect_refused({at("good.png"), "--bogus"}, 2, {"--bogus"});
  expect_refused({at("good.png"), "--seed", "abc"}, 2, {"seed"});
  expect_refused({at("good.png"), "--seed", "-1"}, 2, {"seed"});
  expect_refused({at("good.png"), "--quality", "101"}, 2, {"quality"});
  expect_refused({at("good.png"), "--device", "tpu"}, 2, {"device"});
  expect_refused({at("good.png"), "--device", "cuda:99"}, 2, {"cuda:99"});
  expect_refused({at("good.png"), "--threads", "-3"}, 2, {"threads"});
  expect_refused({at("good.png"), "--time", "soon"}, 2, {"--time", "soon"});
  expect_refused({at("good.png"), "-m", "magic"}, 2, {"magic"});
  expect_refused({at("good.png"), "--preset", "papr"}, 2, {"papr", "paper"});
  expect_refused({at("good.png"), "--optimizer", "sgd"}, 2, {"--optimizer", "sgd", "muon"});
  expect_refused({at("good.png"), "-f", "xyz"}, 2, {"xyz"});
  expect_refused({at("good.png"), "-o", at("out.exr")}, 2, {"exr"});
  expect_refused({}, 2, {"no photo"});
}

TEST_F(BadInput, ADifferentFlagMayNotBeGuessedFromItsBeginning) {
  const auto result = run_zsr({"eval", "--ref", "a", "-i", "b"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("--ref"), std::string::npos);
}

TEST_F(BadInput, DivergedTrainingGivesBicubicAWarningAndAStatus) {
  const ProgramResult result = run_zsr({"upscale", at("good.png"), "-o", at("out.png"), "--learning-rate", "1e30",
                                        "--warm-up", "0", "--steps", "20", "--channels", "16", "-q", "--json"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("warning"), std::string::npos);
  const auto record = nlohmann::json::parse(result.out);
  EXPECT_EQ(record["status"], 1);
  EXPECT_EQ(record["termination"], "diverged");
  EXPECT_EQ(load_photo(dir_ / "out.png").color.size(2), 40);
}

TEST_F(BadInput, InterruptSavesTheBestAndExits130) {
  const ProgramResult result = run_zsr_and_signal(
      {"upscale", at("good.png"), "-o", at("out.png"), "--steps", "10000000", "--crop", "32", "-q"}, 1.0, SIGINT);
  EXPECT_EQ(result.code, 130) << result.err;
  EXPECT_EQ(load_photo(dir_ / "out.png").color.size(2), 40);
  const auto record = nlohmann::json::parse(read_bytes(dir_ / "out.png.zsr.json"));
  EXPECT_EQ(record["termination"], "stopped");
  EXPECT_EQ(dir_.names(), (std::vector<std::string>{"good.png", "out.png", "out.png.zsr.json"}));
}

TEST_F(BadInput, TerminationSignalExits143) {
  const ProgramResult result = run_zsr_and_signal(
      {"upscale", at("good.png"), "-o", at("out.png"), "--steps", "10000000", "--crop", "32", "-q"}, 1.0, SIGTERM);
  EXPECT_EQ(result.code, 143) << result.err;
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out.png"));
}

TEST_F(BadInput, KilledWhileWorkingLeavesNoHalfFile) {
  run_zsr_and_signal({"upscale", at("good.png"), "-o", at("out.png"), "--steps", "10000000", "--crop", "32", "-q"}, 1.0,
                     SIGKILL);
  EXPECT_EQ(dir_.names(), std::vector<std::string>{"good.png"});
}

}  // namespace
}  // namespace zsr::test
