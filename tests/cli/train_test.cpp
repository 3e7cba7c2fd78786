#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sstream>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class TrainNetwork : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "photos");
    for (const char* const name : {"a.png", "b.png"}) make_photo(dir_ / "photos" / name, 3, 90, 100);
  }

  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  // A network so small that a step takes milliseconds; `more` goes over these flags.
  std::vector<std::string> train(const std::string& output, std::vector<std::string> more = {},
                                 const std::string& network = "edsr") const {
    std::vector<std::string> all = {"train", network, at("photos"), "-o", at(output), "-q"};
    const std::vector<std::pair<std::string, std::string>> usual = {
        {"--width", "16"}, {"--depth", "2"}, {"--patch", "12"}, {"--batch", "4"}, {"-j", "1"}, {"--warm-up", "2"}};
    for (const auto& [flag, value] : usual) {
      if (std::find(more.begin(), more.end(), flag) == more.end()) all.insert(all.end(), {flag, value});
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // The log without the seconds, which no two runs share.
  std::string log(const std::string& output) const {
    std::istringstream lines(read_bytes(dir_ / (output + ".csv")));
    std::string text;
    for (std::string line; std::getline(lines, line);) {
      const size_t first = line.find(',');
      text += line.substr(0, first) + line.substr(line.find(',', first + 1)) + "\n";
    }
    return text;
  }

  TempDir dir_;
};

TEST_F(TrainNetwork, WeightsServeAtOnce) {
  const ProgramResult result =
      run_zsr(train("w.safetensors", {"--steps", "6", "--save-every", "3", "--validate", at("photos"), "--json"}));
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["steps"], 6);
  EXPECT_EQ(json["photos"], 2);
  EXPECT_GT(json["psnr"].get<double>(), 5.0);
  EXPECT_EQ(log("w.safetensors").find("step,loss,rate,psnr,psnr_blur\n3,"), 0U);
  EXPECT_EQ(read_bytes(dir_ / "w.safetensors.svg").find("<svg"), 0U);
  const std::string command = read_safetensors(at("w.safetensors")).metadata["command"];
  EXPECT_EQ(command.find("zsr train edsr photos "), 0U) << command;
  EXPECT_EQ(command.find(dir_.path().string()), std::string::npos) << "weights tell where files lie: " << command;
  make_photo(dir_ / "small.png", 3, 20, 24);
  const auto upscaled =
      run_zsr({"upscale", at("small.png"), "--weights", at("w.safetensors"), "-o", at("o.png"), "-q"});
  ASSERT_EQ(upscaled.code, 0) << upscaled.err;
  EXPECT_EQ(load_photo(dir_ / "o.png").color.size(3), 48);
  // SRMD brings its kernel basis along.
  ASSERT_EQ(run_zsr(train("s.safetensors", {"--steps", "2", "--half"}, "srmd")).code, 0);
  const auto srmd = run_zsr(
      {"srmd", at("small.png"), "--weights", at("s.safetensors"), "-o", at("s.png"), "-q", "--kernel", "bicubic"});
  EXPECT_EQ(srmd.code, 0) << srmd.err;
  // Another scale begins where this one ended.
  EXPECT_EQ(
      run_zsr(train("x4.safetensors", {"--steps", "1", "-s", "4", "--patch", "8", "--init", at("w.safetensors")})).code,
      0);
}

TEST_F(TrainNetwork, TwoOfOneShapeCanBeBlended) {
  ASSERT_EQ(run_zsr(train("a.safetensors", {"--steps", "1"})).code, 0);
  ASSERT_EQ(run_zsr(train("b.safetensors", {"--steps", "5", "--seed", "3"})).code, 0);
  ASSERT_EQ(run_zsr({"weights", "blend", at("a.safetensors"), at("b.safetensors"), "-o", at("c.safetensors"), "--share",
                     "0.25"})
                .code,
            0);
  const torch::Tensor a = *read_safetensors(at("a.safetensors")).find("head.0.weight");
  const torch::Tensor b = *read_safetensors(at("b.safetensors")).find("head.0.weight");
  EXPECT_LT(max_difference(*read_safetensors(at("c.safetensors")).find("head.0.weight"), 0.75 * a + 0.25 * b), 1e-6);
  EXPECT_GT(max_difference(a, b), 1e-3);
  ASSERT_EQ(run_zsr(train("other.safetensors", {"--steps", "1", "--depth", "3"})).code, 0);
  const auto refused =
      run_zsr({"weights", "blend", at("a.safetensors"), at("other.safetensors"), "-o", at("d.safetensors")});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("not of one network"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(dir_ / "d.safetensors"));
}

TEST_F(TrainNetwork, AStartingPointServesZssr) {
  ASSERT_EQ(run_zsr(train("start.safetensors", {"--steps", "3"}, "zssr-start")).code, 0);
  EXPECT_NE(run_zsr({"weights", "info", at("start.safetensors")}).out.find("starting point of ZSSR, x2"),
            std::string::npos);
  make_photo(dir_ / "small.png", 3, 40, 44);
  make_photo(dir_ / "gray.png", 1, 40, 44);
  for (const char* const name : {"small.png", "gray.png"}) {
    for (const char* const phase : {"center", "corner"}) {
      const ProgramResult result =
          run_zsr({"upscale", at(name), "--init", at("start.safetensors"), "--steps", "2", "--kernel", "bicubic",
                   "--phase", phase, "-o", at("o.png"), "--force", "-q", "--json"});
      ASSERT_EQ(result.code, 0) << result.err;
      EXPECT_EQ(nlohmann::json::parse(result.out)["settings"]["start"], true);
      EXPECT_EQ(load_photo(dir_ / "o.png").color.size(3), 88);
    }
  }
  const auto refused = [&](std::vector<std::string> more, const char* why) {
    more.insert(more.begin(), {"upscale", at("small.png"), "-o", at("r.png"), "-q"});
    const ProgramResult result = run_zsr(more);
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "r.png"));
  };
  refused({"--init", at("start.safetensors"), "-s", "3"}, "is a starting point for x2, not for x3");
  refused({"--init", at("start.safetensors"), "--channels", "32"}, "brings its own network");
  refused({"--init", at("start.safetensors"), "--preset", "paper"}, "belongs to the default preset");
  refused({"--init", at("no.safetensors")}, "no.safetensors");
  ASSERT_EQ(run_zsr(train("edsr.safetensors", {"--steps", "1"})).code, 0);
  const ProgramResult from_edsr = run_zsr({"upscale", at("small.png"), "--init", at("edsr.safetensors"), "--steps", "2",
                                           "--kernel", "bicubic", "-o", at("e.png"), "-q", "--json"});
  EXPECT_EQ(from_edsr.code, 0) << from_edsr.err;
  ASSERT_EQ(run_zsr(train("srmd.safetensors", {"--steps", "1"}, "srmd-edsr")).code, 0);
  refused({"--init", at("srmd.safetensors")}, "holds no starting point");
}

TEST_F(TrainNetwork, KernelsThatNoStartingPointHasSeenAreLearnedFromNothing) {
  make_photo(dir_ / "small.png", 3, 40, 44);
  const auto begins_at_start = [&](const std::vector<std::string>& family, const std::vector<std::string>& more) {
    std::vector<std::string> make = {"kernel", "make"};
    make.insert(make.end(), family.begin(), family.end());
    make.insert(make.end(), {"-o", at("k.mat"), "--force"});
    EXPECT_EQ(run_zsr(make).code, 0);
    std::vector<std::string> call = {"upscale", at("small.png"), "-o", at("o.png"), "--kernel", at("k.mat"), "--steps",
                                     "1",       "--noise",       "0",  "--force",   "-q",       "--json"};
    call.insert(call.end(), more.begin(), more.end());
    const ProgramResult result = run_zsr(call);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out)["settings"]["start"] == true;
  };
  EXPECT_TRUE(begins_at_start({"gaussian", "--sigma", "2", "--sigma-2", "1"}, {}));
  EXPECT_TRUE(begins_at_start({"div2krk", "--sigma", "1.8", "--size", "11"}, {}));
  EXPECT_FALSE(begins_at_start({"disk", "--radius", "5"}, {}));
  EXPECT_FALSE(begins_at_start({"line", "--length", "15"}, {}));
  EXPECT_TRUE(begins_at_start({"disk", "--radius", "5"}, {"--init", "zssr-start-x2"}));  // who asks for it gets it
}

TEST_F(TrainNetwork, PhotosThatCannotServeAreNamed) {
  make_photo(dir_ / "photos/tiny.png", 3, 10, 12);
  write_bytes(dir_ / "photos/broken.jpg", "\xFF\xD8\xFF no photo");
  std::vector<std::string> arguments = train("w.safetensors", {"--steps", "1"});
  arguments.erase(std::find(arguments.begin(), arguments.end(), "-q"));
  const ProgramResult result = run_zsr(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("tiny.png': its shorter side has 10 pixels, 24 are needed"), std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("broken.jpg"), std::string::npos);
  EXPECT_NE(result.err.find("2 of 4 photos cannot serve"), std::string::npos);
  fs::remove(dir_ / "photos/a.png");
  fs::remove(dir_ / "photos/b.png");
  const ProgramResult none = run_zsr(train("none.safetensors", {"--steps", "1"}));
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("no photos that can serve"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists(dir_ / "none.safetensors"));
}

TEST_F(TrainNetwork, BadFlagsAreNamed) {
  const auto refused = [&](std::vector<std::string> more, const char* why, const std::string& network = "edsr") {
    const ProgramResult result = run_zsr(train("w.safetensors", std::move(more), network));
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "w.safetensors"));
  };
  refused({"--width", "17"}, "multiple of 16");
  refused({"--loss", "l9"}, "there are l1");
  refused({"--optimizer", "sgd"}, "must be muon or adam");
  refused({"--resume"}, "no checkpoint");
  refused({"--recipe", "bsrgan"}, "leave --recipe out", "srmd");
  refused({"--recipe", "no-such"}, "no-such");
  refused({}, "or 'edsr'?", "edrs");
}

bool can_signal() {
  return std::system("command -v pkill >/dev/null 2>&1") == 0;
}

// Shell text that sends `signal` to the newest process whose command line holds `pattern` (a regular expression that
// does not match itself) as soon as `condition` holds.
std::string signal_when(const std::string& condition, const std::string& pattern, const std::string& signal) {
  return "( until " + condition + "; do sleep 0.05; done; pkill -" + signal + " -n -f '" + pattern + "' ) & ";
}

TEST_F(TrainNetwork, GivenPairsAreTrainedOn) {
  // Only some patches of this recipe are blurred, so that not all have a kernel.
  ASSERT_EQ(run_zsr({"degrade", at("photos"), "-o", at("pairs"), "-s", "2", "--recipe", "photo", "-q"}).code, 0);
  const auto pairs = [&](std::vector<std::string> more) {
    std::vector<std::string> all = {
        "train", "edsr",    "--pairs", at("pairs"), "-o", at("p.safetensors"), "-q", "-j",      "1", "--width",
        "16",    "--depth", "2",       "--patch",   "12", "--batch",           "2",  "--steps", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return run_zsr(all);
  };
  const ProgramResult beside = pairs({at("photos")});
  EXPECT_EQ(beside.code, 2);
  EXPECT_NE(beside.err.find("takes the place of"), std::string::npos) << beside.err;
  EXPECT_EQ(pairs({"--recipe", "bsrgan"}).code, 2);
  const ProgramResult other = pairs({"-s", "3"});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("not 3 times as large"), std::string::npos) << other.err;
  EXPECT_FALSE(fs::exists(dir_ / "p.safetensors"));
  const ProgramResult made = pairs({});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_TRUE(fs::exists(dir_ / "p.safetensors"));
}

TEST_F(TrainNetwork, TheListNamesEveryNetwork) {
  const ProgramResult result = run_zsr({"train", "--list", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto list = nlohmann::json::parse(result.out)["networks"];
  const auto edsr = std::find_if(list.begin(), list.end(), [](const auto& row) { return row["network"] == "edsr"; });
  ASSERT_NE(edsr, list.end());
  EXPECT_EQ((*edsr)["parameters"], 1369859);  // as published for the baseline x2
  EXPECT_EQ((*edsr)["fields"]["width"], 64);
}

TEST_F(TrainNetwork, FieldsThatANetworkHasNotAreRefused) {
  const ProgramResult result = run_zsr(train("w.safetensors", {"--growth", "16"}));
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("edsr has no growth"), std::string::npos) << result.err;
}

TEST_F(TrainNetwork, KilledAndResumedTheLogGoesOn) {
  ASSERT_TRUE(can_signal()) << "pkill is missing; scripts/setup installs procps";
  const std::vector<std::string> steps = {"--steps", "1500", "--save-every", "20"};
  ASSERT_EQ(run_zsr(train("whole.safetensors", steps)).code, 0);
  const std::string checkpoint = at("w.safetensors.checkpoint");
  const std::string pattern = at("[w].safetensors");
  EXPECT_EQ(run_zsr(train("w.safetensors", steps), signal_when("[ -e '" + checkpoint + "' ]", pattern, "KILL")).code,
            128 + SIGKILL);
  EXPECT_LT(log("w.safetensors").size(), log("whole.safetensors").size());
  // A second time, asked to end this time.
  std::vector<std::string> resumed = steps;
  resumed.emplace_back("--resume");
  write_bytes(dir_ / "marker", "");
  const std::string newer = "[ '" + checkpoint + "' -nt '" + at("marker") + "' ]";
  EXPECT_EQ(run_zsr(train("w.safetensors", resumed), signal_when(newer, pattern, "TERM")).code, 128 + SIGTERM);
  EXPECT_LT(log("w.safetensors").size(), log("whole.safetensors").size());
  ASSERT_EQ(run_zsr(train("w.safetensors", resumed)).code, 0);
  EXPECT_EQ(log("w.safetensors"), log("whole.safetensors"));
  const WeightsFile one = read_safetensors(at("w.safetensors"));
  const WeightsFile other = read_safetensors(at("whole.safetensors"));
  for (size_t i = 0; i < one.tensors.size(); ++i) {
    EXPECT_TRUE(one.tensors[i].tensor.equal(other.tensors[i].tensor)) << one.tensors[i].name;
  }
}

TEST_F(TrainNetwork, CheckpointsAreWholeOrRefused) {
  ASSERT_EQ(run_zsr(train("w.safetensors", {"--steps", "4", "--save-every", "2"})).code, 0);
  const std::string checkpoint = read_bytes(dir_ / "w.safetensors.checkpoint");
  const std::string weights = read_bytes(dir_ / "w.safetensors");
  const auto refused = [&](std::vector<std::string> more, const char* why, const std::string& before = "") {
    const ProgramResult result = run_zsr(train("w.safetensors", std::move(more)), before);
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_EQ(read_bytes(dir_ / "w.safetensors"), weights);
  };
  refused({"--steps", "8"}, "exists");
  refused({"--steps", "8", "--resume", "--width", "32"}, "checkpoint of another run: it has width 16 instead of 32");
  // Other patches are another run too: what goes on must be what was begun.
  refused({"--steps", "8", "--resume", "--patch", "20"}, "instead of 20");
  refused({"--steps", "8", "--resume", "--recipe", "bsrgan"}, "recipe none instead of");
  // A full disk: what was there stays.
  refused({"--steps", "8", "--resume"}, "w.safetensors", "ulimit -f 8;");
  EXPECT_EQ(read_bytes(dir_ / "w.safetensors.checkpoint"), checkpoint);
  write_bytes(dir_ / "w.safetensors.checkpoint", checkpoint.substr(0, checkpoint.size() / 2));
  refused({"--steps", "8", "--resume"}, "checkpoint");
}

// mpirun as tests can use it, empty where there is none.
std::string mpirun() {
  const bool there = std::system("command -v mpirun >/dev/null 2>&1") == 0;
  return there ? "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 2" : "";
}

TEST_F(TrainNetwork, TwoProcessesGiveTheLogOfOne) {
  if (mpirun().empty()) GTEST_SKIP() << "no mpirun here";
  const std::vector<std::string> steps = {"--steps", "40", "--save-every", "10", "--json"};
  ASSERT_EQ(run_zsr(train("one.safetensors", steps)).code, 0);
  const ProgramResult result = run_zsr(train("two.safetensors", steps), mpirun());
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["processes"], 2);
  std::istringstream one(log("one.safetensors"));
  std::istringstream two(log("two.safetensors"));
  int lines = 0;
  for (std::string a, b; std::getline(one, a) && std::getline(two, b); ++lines) {
    if (lines == 0) continue;
    EXPECT_EQ(a.substr(0, a.find(',')), b.substr(0, b.find(',')));
    EXPECT_NEAR(std::stod(a.substr(a.find(',') + 1)), std::stod(b.substr(b.find(',') + 1)), 1e-5);
  }
  EXPECT_EQ(lines, 5);
}

TEST_F(TrainNetwork, ALostProcessEndsTheOthers) {
  if (mpirun().empty()) GTEST_SKIP() << "no mpirun here";
  ASSERT_TRUE(can_signal()) << "pkill is missing; scripts/setup installs procps";
  const std::vector<std::string> steps = {"--steps", "100000", "--save-every", "20"};
  // The newest process of that command line is one of the two.
  const std::string pattern = at("[w].safetensors");
  const std::string killer = signal_when("[ -e '" + at("w.safetensors.checkpoint") + "' ]", pattern, "KILL");
  const ProgramResult result = run_zsr(train("w.safetensors", steps), killer + mpirun());
  EXPECT_NE(result.code, 0);
  EXPECT_FALSE(result.err.empty());
  EXPECT_NE(std::system(("pgrep -f '" + pattern + "' >/dev/null").c_str()), 0) << "a process is left";
  // What it had reached stands and can be gone on from.
  ASSERT_TRUE(fs::exists(dir_ / "w.safetensors.checkpoint")) << result.err;
  const ProgramResult resumed =
      run_zsr(train("w.safetensors", {"--steps", "100000", "--save-every", "20", "--resume", "--time", "1s"}));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

}  // namespace
}  // namespace zsr::test
