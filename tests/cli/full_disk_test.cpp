#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

// Everything that commands write, on a disk that takes a kilobyte a file: code 1, one line that names the file, and
// nothing left of it.
class FullDisk : public ::testing::Test {
 protected:
  static constexpr const char* kLimit = "ulimit -f 1;";

  void SetUp() override {
    make_photo(dir_ / "photo.png", 3, 64, 64);
    make_photo(dir_ / "truth.png", 3, 128, 128);
    fs::create_directories(dir_ / "photos");
    for (int i = 0; i < 9; ++i)
      make_photo(dir_ / ("photos/a_rather_long_name_" + std::to_string(i) + ".png"), 3, 48, 48);
    before_ = files();
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      if (entry.is_regular_file()) found.insert(entry.path().string());
    }
    return found;
  }
  void expect_refused(const std::vector<std::string>& call, const std::string& output) {
    const ProgramResult result = run_zsr(call, kLimit);
    EXPECT_EQ(result.code, 1) << output << ": " << result.err;
    EXPECT_NE(result.err.find(output), std::string::npos) << result.err;
    for (const std::string& file : files()) {
      if (before_.count(file) > 0 || fs::path(file).filename().string().starts_with("zsr-")) continue;
      ADD_FAILURE() << call[0] << " left " << file;
    }
  }
  TempDir dir_;
  std::set<std::string> before_;
};

TEST_F(FullDisk, PhotosAndKernels) {
  for (const char* const name : {"big.png", "big.jpg", "big.tif", "big.webp", "big.bmp", "big.ppm"}) {
    expect_refused({"upscale", at("photo.png"), "-o", at(name), "-m", "bicubic", "-q", "--no-record"}, name);
  }
  for (const char* const name : {"k.mat", "k.npy", "k.txt"}) {
    expect_refused({"kernel", "make", "gaussian", "--sigma", "4", "--size", "41", "-o", at(name)}, name);
  }
}

TEST_F(FullDisk, WeightsAndTraining) {
  const std::vector<std::string> train = {
      "train",   "edsr", at("photos"), "-o", at("w.safetensors"), "--width", "16", "--depth", "2",
      "--patch", "8",    "--batch",    "1",  "--steps",           "1",       "-q"};
  expect_refused(train, "w.safetensors");
  ASSERT_EQ(run_zsr(train).code, 0);
  before_ = files();
  expect_refused({"weights", "convert", at("w.safetensors"), "-o", at("c.safetensors")}, "c.safetensors");
}

TEST_F(FullDisk, TablesReportsAndManifests) {
  expect_refused({"eval", "-r", at("photos"), "-i", at("photos"), "--csv", "/dev/full"}, "/dev/full");
  expect_refused({"compare", at("photo.png"), "-m", "bicubic", "-o", at("report.html"), "-q"}, "report.html");
  const std::vector<std::string> batch = {"upscale", at("photos"), "-o", at("out"),
                                          "-m",      "bicubic",    "-q", "--no-record"};
  std::vector<std::string> few = batch;  // what it says must fit into a kilobyte too
  few.insert(few.end(), {"--exclude", "*[2-8].png"});
  const ProgramResult full = run_zsr(few, kLimit);
  EXPECT_EQ(full.code, 1);
  ASSERT_EQ(run_zsr(batch).code, 0);
  before_ = files();
  expect_refused({"report", "merge", at("out"), "-o", at("all.jsonl")}, "all.jsonl");
}

TEST_F(FullDisk, Devices) {
  const ProgramResult device =
      run_zsr({"upscale", at("photo.png"), "-o", "/dev/full", "-f", "png", "-m", "bicubic", "-q"});
  EXPECT_EQ(device.code, 1);
  EXPECT_NE(device.err.find("No space left"), std::string::npos) << device.err;
}

// A limit of the address space is met with smaller tiles.
TEST_F(FullDisk, AnAddressSpaceOfTwoGigabytesIsEnoughForALargePhoto) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer reserves terabytes of it";
#endif
  make_photo(dir_ / "large.png", 3, 700, 900);
  const ProgramResult result =
      run_zsr(quick({"upscale", at("large.png"), "-o", at("l.png"), "-q", "-j", "2"}), "ulimit -v 2600000;");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(load_photo(dir_ / "l.png").color.size(3), 1800);
}

}  // namespace
}  // namespace zsr::test
