#include "cli/batch/claims.h"
#include "cli/batch/manifest.h"
#include "core/random.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <csignal>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class BatchRun : public ::testing::Test {
 protected:
  void make_photos(int count) {
    fs::create_directories(dir_ / "in/deep");
    for (int i = 0; i < count; ++i) {
      const std::string name = (i % 3 == 0 ? "deep/p" : "p") + std::to_string(i) + ".png";
      make_photo(dir_ / ("in/" + name), 3, 12 + i % 5, 13);
      names_.insert(name);
    }
  }
  std::vector<std::string> call(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"upscale", (dir_ / "in").string(), "-o", (dir_ / out).string(), "-r", "-m",
                                      "bicubic", "--no-record",          "-q"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void expect_equal(const std::string& out, const std::string& other) const {
    for (const std::string& name : names_) {
      ASSERT_TRUE(fs::exists(dir_ / (out + "/" + name))) << name;
      EXPECT_TRUE(read_bytes(dir_ / (out + "/" + name)) == read_bytes(dir_ / (other + "/" + name))) << name;
    }
    // Nothing half-written lies about.
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / out)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && !name.starts_with("zsr-") && !entry.path().string().ends_with(".made")) {
        ++files;
        EXPECT_FALSE(name.starts_with(".")) << name;
      }
    }
    EXPECT_EQ(files, names_.size());
  }
  TempDir dir_;
  std::set<std::string> names_;
};

TEST_F(BatchRun, KilledAtRandomAndResumedEachResultIsMadeOnce) {
  make_photos(200);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  Random random(7);
  int kills = 0;
  ProgramResult last;
  for (int round = 0; round < 60; ++round) {
    // Ever longer, so that it comes to an end on slow machines too.
    const double seconds = 0.1 + 0.05 * round + 0.5 * random.uniform();
    last = run_zsr_and_signal(call("killed", {"--jobs", "2"}), seconds, SIGKILL);
    if (last.code != 128 + SIGKILL) break;
    ++kills;
  }
  if (last.code == 128 + SIGKILL) last = run_zsr(call("killed", {"--jobs", "2"}));  // under sanitizers
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_GE(kills, 1);
  RecordProperty("kills", kills);
  expect_equal("killed", "serial");
  for (const auto& [name, photo] : cli::read_manifests(dir_ / "killed")) EXPECT_EQ(photo.times_done, 1) << name;
  const ProgramResult report = run_zsr({"report", "merge", (dir_ / "killed").string(), "--verify", "--json"});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(nlohmann::json::parse(report.out)["made"], 200);
}

TEST_F(BatchRun, RunsThatClaimShareTheFolderAndOutliveEachOther) {
  make_photos(60);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  const auto claiming = call("shared", {"--claim", "--lease", "2s"});
  ProgramResult other;
  std::thread second([&] { other = run_zsr(claiming); });
  const ProgramResult killed = run_zsr_and_signal(claiming, 0.4, SIGKILL);
  second.join();
  EXPECT_EQ(other.code, 0) << other.err;
  ASSERT_EQ(run_zsr(claiming).code, 0);
  expect_equal("shared", "serial");
}

// A run that was killed with a result written and no word of it, and with half a result; it fell silent while another
// one was at work, which had read all manifests before.
TEST_F(BatchRun, TakesOverWhatAKilledRunLeft) {
  make_photos(4);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  const auto claiming = call("shared", {"--claim", "--lease", "2s"});
  ASSERT_EQ(run_zsr(claiming).code, 0);
  const fs::path shared = dir_ / "shared";
  const std::vector<fs::path> manifests = cli::list_manifests(shared);
  ASSERT_EQ(manifests.size(), 1U);
  std::string begun;
  std::istringstream lines(read_bytes(manifests.front()));
  for (std::string line; std::getline(lines, line);) {
    if (nlohmann::json::parse(line).value("status", "") != "done") begun += line + "\n";
  }
  fs::remove(manifests.front());
  for (const auto& entry : fs::directory_iterator(shared / ".zsr-claims")) fs::remove(entry.path());
  fs::rename(shared / "p2.png", shared / ".p2.png.zsr-abc123");
  // Nobody began this one: what lies there is somebody's own.
  make_photo(dir_ / "in/p9.png", 3, 14, 13);
  write_bytes(shared / "p9.png", "precious");
  cli::Claims dead(shared / ".zsr-claims", "whatever", 2.0);
  for (const std::string& name : names_) ASSERT_EQ(dead.claim(name), cli::Claims::Answer::kOurs);
  ASSERT_EQ(dead.claim("p9.png"), cli::Claims::Answer::kOurs);

  ProgramResult result;
  std::thread other([&] { result = run_zsr(claiming); });
  for (int i = 0; i < 6000 && cli::list_manifests(shared).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  write_bytes(manifests.front(), begun);
  other.join();
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("p9.png' already exists"), std::string::npos) << result.err;
  EXPECT_EQ(read_bytes(shared / "p9.png"), "precious");
  fs::remove(shared / "p9.png");
  expect_equal("shared", "serial");
}

// Leases and resuming must not rest on the clock of the day: here it jumps six days at every look, in one of two runs
// that share a folder, and stands days away from it in the next.
TEST_F(BatchRun, AClockThatJumpsDoesNoHarm) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's runtime must be loaded first";
#endif
  const std::string jumping = std::string("LD_PRELOAD='") + ZSR_JUMPING_CLOCK + "'";
  make_photos(60);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  const auto claiming = call("shared", {"--claim", "--lease", "3s", "--jobs", "2"});
  ProgramResult steady;
  std::thread second([&] { steady = run_zsr(claiming); });
  const ProgramResult jumped = run_zsr(claiming, jumping);
  second.join();
  EXPECT_EQ(jumped.code, 0) << jumped.err;
  EXPECT_EQ(steady.code, 0) << steady.err;
  expect_equal("shared", "serial");
  for (const auto& [name, photo] : cli::read_manifests(dir_ / "shared")) EXPECT_EQ(photo.times_done, 1) << name;
  const ProgramResult again = run_zsr(call("shared", {"--json"}), jumping);
  EXPECT_EQ(nlohmann::json::parse(again.out)["made_before"], 60) << again.err;
  const ProgramResult limited = run_zsr(call("limited", {"--timeout", "1h", "--grace", "1m"}), jumping);
  EXPECT_EQ(limited.code, 0) << limited.err;
}

TEST_F(BatchRun, MessagesThatGoNowhereDoNotEndTheWork) {
  make_photos(6);
  const std::string full = "f() { \"$@\" 2>/dev/full; }; f";
  std::vector<std::string> loud = call("out");
  loud.pop_back();  // -q
  EXPECT_EQ(run_zsr(loud, full).code, 0);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  expect_equal("out", "serial");
  write_bytes(dir_ / "in/bad.png", "no photo");
  EXPECT_EQ(run_zsr(loud, full).code, 1);
}

TEST_F(BatchRun, ShardsMakeTheWholeTogether) {
  make_photos(20);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  for (const char* const part : {"1/3", "2/3", "3/3"}) {
    EXPECT_EQ(run_zsr(call("parts", {"--shard", part})).code, 0);
  }
  expect_equal("parts", "serial");
  const ProgramResult report =
      run_zsr({"report", "merge", (dir_ / "parts").string(), "-o", (dir_ / "all.jsonl").string(), "--json"});
  EXPECT_EQ(report.code, 0) << report.err;
  const auto json = nlohmann::json::parse(report.out);
  EXPECT_EQ(json["manifests"], 3);
  EXPECT_EQ(json["made"], 20);
  EXPECT_EQ(json["made_twice"], 0);
  fs::remove(dir_ / "parts/p1.png");
  EXPECT_EQ(run_zsr({"report", "merge", (dir_ / "parts").string()}).code, 1);
}

TEST_F(BatchRun, MakesAgainWhatChangedAndNothingElse) {
  make_photos(6);
  ASSERT_EQ(run_zsr(call("out")).code, 0);
  fs::remove(dir_ / "in/p1.png");
  make_photo(dir_ / "in/p1.png", 3, 20, 21);
  fs::remove(dir_ / "out/p2.png");
  const auto again = nlohmann::json::parse(run_zsr(call("out", {"--json"})).out);
  EXPECT_EQ(again["made"], 2);
  EXPECT_EQ(again["made_before"], 4);
  EXPECT_EQ(load_photo(dir_ / "out/p1.png").color.size(3), 42);
  // A copy has other times and is taken as it is, by its content.
  fs::last_write_time(dir_ / "out/p4.png", fs::file_time_type::clock::now());
  EXPECT_EQ(nlohmann::json::parse(run_zsr(call("out", {"--json"})).out)["made_before"], 6);
  // Other settings: what lies there is not this batch's, and stays unless --force is given.
  const ProgramResult other = run_zsr(call("out", {"-s", "3"}));
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("--force"), std::string::npos);
  // Nor does the refused call, given once more, take it for its own.
  EXPECT_EQ(run_zsr(call("out", {"-s", "3"})).code, 1);
  EXPECT_EQ(load_photo(dir_ / "out/p1.png").color.size(3), 42);
  EXPECT_EQ(run_zsr(call("out", {"-s", "3", "--force"})).code, 0);
  EXPECT_EQ(load_photo(dir_ / "out/p1.png").color.size(3), 63);
}

TEST_F(BatchRun, GivesUpWhatFailsAndSaysSoUntilAskedAgain) {
  make_photos(4);
  write_bytes(dir_ / "in/bad.png", "broken");
  EXPECT_EQ(run_zsr(call("out")).code, 1);
  EXPECT_EQ(read_bytes(dir_ / "out/zsr-quarantine.txt"), "bad.png\n");
  const ProgramResult second = run_zsr(call("out"));
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.err.find("--retry-quarantined"), std::string::npos);
  EXPECT_EQ(run_zsr(call("out", {"--exclude", "bad.*"})).code, 0);
  fs::remove(dir_ / "in/bad.png");
  make_photo(dir_ / "in/bad.png", 3, 8, 8);
  EXPECT_EQ(run_zsr(call("out", {"--retry-quarantined"})).code, 0);
  EXPECT_EQ(load_photo(dir_ / "out/bad.png").color.size(2), 16);
}

TEST_F(BatchRun, EndsAPhotoThatTakesTooLong) {
  make_photos(2);
  const ProgramResult late =
      run_zsr({"dip", (dir_ / "in").string(), "-r", "-o", (dir_ / "out").string(), "--steps", "100000", "--stop",
               "steps", "--timeout", "2s", "--retries", "0", "-q", "-j", "1"});
  EXPECT_EQ(late.code, 1);
  EXPECT_NE(late.err.find("took longer than 2 s"), std::string::npos) << late.err;
  EXPECT_EQ(fs::exists(dir_ / "out/p1.png"), false);
}

TEST_F(BatchRun, SigtermEndsWhatIsBegunAndTheSameCallGoesOn) {
  make_photos(150);
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  const ProgramResult stopped = run_zsr_and_signal(call("out"), 0.2, SIGTERM);
  // The signal may come after the last photo, or before the manifest is begun.
  if (stopped.code != 0 && fs::exists(dir_ / "out/zsr-manifest.jsonl")) {
    EXPECT_EQ(stopped.code, 143);
    EXPECT_NE(stopped.err.find("goes on"), std::string::npos) << stopped.err;
  }
  EXPECT_EQ(run_zsr(call("out")).code, 0);
  expect_equal("out", "serial");
}

TEST_F(BatchRun, AFullDiskFailsPhotosAndLeavesNothingHalf) {
  make_photos(3);
  make_photo(dir_ / "in/large.png", 3, 90, 90);  // enlarged far over the limit
  names_.insert("large.png");
  const ProgramResult full = run_zsr(call("out"), "ulimit -f 40;");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("large.png"), std::string::npos) << full.err;
  EXPECT_FALSE(fs::exists(dir_ / "out/large.png"));
  EXPECT_EQ(run_zsr(call("out")).code, 0);  // space again: it is tried again by itself
  ASSERT_EQ(run_zsr(call("serial")).code, 0);
  expect_equal("out", "serial");
}

TEST_F(BatchRun, LinksDoNotLeadOut) {
  make_photos(4);
  fs::create_directories(dir_ / "out");
  fs::create_directories(dir_ / "elsewhere");
  fs::create_directory_symlink(dir_ / "elsewhere", dir_ / "out/deep");
  const ProgramResult result = run_zsr(call("out"));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("leads out of the folder"), std::string::npos) << result.err;
  EXPECT_TRUE(fs::is_empty(dir_ / "elsewhere"));
}

TEST_F(BatchRun, MemoryIsSharedOutAndTooLittleIsSaid) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's own tables would be refused";
#endif
  make_photos(3);
  const ProgramResult little = run_zsr(call("out", {"--memory", "1G", "--jobs", "3"}));
  EXPECT_EQ(little.code, 2);
  EXPECT_NE(little.err.find("fewer --jobs"), std::string::npos) << little.err;
  // One photo whose result does not fit costs the others nothing.
  make_photo(dir_ / "in/huge.png", 3, 1500, 1500);
  const ProgramResult result = run_zsr(call("out", {"--memory", "800M", "-s", "8"}));
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("huge.png': out of memory"), std::string::npos) << result.err;
  EXPECT_EQ(load_photo(dir_ / "out/p1.png").color.size(3), 104);
}

TEST_F(BatchRun, TheSecondPhotoOfOneNameFails) {
  make_photos(1);
  make_photo(dir_ / "p0.png", 3, 8, 8);
  const ProgramResult result = run_zsr({"upscale", (dir_ / "p0.png").string(), (dir_ / "in/deep/p0.png").string(), "-o",
                                        (dir_ / "out").string(), "-m", "bicubic"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("written twice"), std::string::npos) << result.err;
}

TEST_F(BatchRun, KernelganTakesFolders) {
  fs::create_directories(dir_ / "in");
  make_photo(dir_ / "in/a.png", 3, 96, 96);
  make_photo(dir_ / "in/b.png", 3, 96, 96);
  const ProgramResult result = run_zsr({"kernelgan", (dir_ / "in").string(), "-o", (dir_ / "kernels").string(),
                                        "--estimator", "spectrum", "--jobs", "2", "-q"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(fs::exists(dir_ / "kernels/a.mat"));
  EXPECT_TRUE(fs::exists(dir_ / "kernels/b.mat"));
}

}  // namespace
}  // namespace zsr::test
