// How `zsr train` learns: from which results, at which scales and from which degradations, on shipped photos.
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

class TrainStrategies : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "photos");
    for (const char* const name : {"portrait_160.png", "coffee_192x128.png"}) {
      fs::copy_file(example(name), dir_ / "photos" / name);
    }
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }

  ProgramResult train(const std::string& network, const std::string& output, std::vector<std::string> more) const {
    std::vector<std::string> all = {"train", network, at("photos"), "-o", at(output), "-q", "-j", "1"};
    for (const char* const word : {"--patch", "12", "--batch", "4", "--warm-up", "2"}) all.emplace_back(word);
    all.insert(all.end(), more.begin(), more.end());
    return run_zsr(all);
  }

  // Whether two files hold the same numbers.
  bool same(const std::string& a, const std::string& b) const {
    const WeightsFile first = read_safetensors(at(a));
    const WeightsFile second = read_safetensors(at(b));
    for (const NamedTensor& entry : first.tensors) {
      const torch::Tensor* const other = second.find(entry.name);
      if (other == nullptr || !torch::equal(entry.tensor, *other)) return false;
    }
    return first.tensors.size() == second.tensors.size();
  }

  void expect_refused(const std::string& network, std::vector<std::string> more, const std::string& words) const {
    more.insert(more.end(), {"--steps", "4"});
    const ProgramResult result = train(network, "no.safetensors", more);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_FALSE(fs::exists(dir_ / "no.safetensors"));
  }

  TempDir dir_;
};

TEST_F(TrainStrategies, AllResultsLearnUnlessTheFinalOneIsAskedFor) {
  const std::vector<std::string> small{"--channels", "16", "--depth", "2", "--steps", "6"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), small.begin(), small.end());
    return more;
  };
  ASSERT_EQ(train("drcn", "default.safetensors", small).code, 0);
  ASSERT_EQ(train("drcn", "all.safetensors", with({"--supervision", "all", "--supervision-steps", "3"})).code, 0);
  ASSERT_EQ(train("drcn", "final.safetensors", with({"--supervision", "final"})).code, 0);
  EXPECT_TRUE(same("default.safetensors", "all.safetensors"));
  EXPECT_FALSE(same("default.safetensors", "final.safetensors"));
  // A network whose several results are a choice.
  ASSERT_EQ(train("memnet", "m.safetensors", with({"--units", "2", "--outputs", "1"})).code, 0);
  EXPECT_NE(read_safetensors(at("m.safetensors")).find("ensemble.weight"), nullptr);
  make_photo(dir_ / "lr.png", 3, 20, 24);
  EXPECT_EQ(
      run_zsr({"upscale", at("lr.png"), "--weights", at("m.safetensors"), "-s", "2", "-o", at("o.png"), "-q"}).code, 0);
}

TEST_F(TrainStrategies, SupervisionThatCannotBeIsRefused) {
  expect_refused("edsr", {"--supervision", "all"}, "edsr makes one result");
  expect_refused("memnet", {"--supervision", "all"}, "add --outputs 1");
  expect_refused("drcn", {"--supervision", "some"}, "must be final or all");
  expect_refused("drcn", {"--supervision", "final", "--supervision-steps", "3"}, "--supervision-steps");
  expect_refused("lapsrn", {"--supervision-steps", "3"}, "--supervision-steps");
}

TEST_F(TrainStrategies, OneNetworkOnTheEnlargedPhotoLearnsSeveralScales) {
  ASSERT_EQ(train("vdsr", "v.safetensors", {"-s", "2,3,4", "--channels", "16", "--depth", "3", "--steps", "6"}).code,
            0);
  make_photo(dir_ / "lr.png", 3, 20, 24);
  for (const char* const scale : {"2", "3", "4"}) {
    EXPECT_EQ(run_zsr({"upscale", at("lr.png"), "--weights", at("v.safetensors"), "-s", scale, "-o",
                       at(std::string("o") + scale + ".png"), "-q"})
                  .code,
              0);
  }
  expect_refused("edsr", {"-s", "2,3"}, "edsr is trained for one");
  expect_refused("vdsr", {"-s", "3,2"}, "several that rise");
  expect_refused("vdsr", {"-s", "2,5"}, "scale = 5");
}

TEST_F(TrainStrategies, PyramidsGrowScaleByScale) {
  const std::vector<std::string> small{"--channels", "16", "--depth", "2", "--steps", "20"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), small.begin(), small.end());
    return more;
  };
  ASSERT_EQ(train("lapsrn", "grown.safetensors", with({"--progressive"})).code, 0);
  ASSERT_EQ(train("lapsrn", "together.safetensors", small).code, 0);
  EXPECT_FALSE(same("grown.safetensors", "together.safetensors"));
  // x2 alone is a network of its own, with which x4 can begin.
  ASSERT_EQ(train("lapsrn", "two.safetensors", with({"-s", "2"})).code, 0);
  EXPECT_EQ(read_safetensors(at("two.safetensors")).metadata["scales"], "2");
  expect_refused("lapsrn", {"-s", "2", "--progressive"}, "--progressive");
  expect_refused("edsr", {"--progressive"}, "--progressive: edsr");
}

TEST_F(TrainStrategies, RecipesFollowOneAnother) {
  const std::vector<std::string> small{"--channels", "16", "--depth", "2", "--steps", "10"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), small.begin(), small.end());
    return more;
  };
  ASSERT_EQ(train("edsr", "staged.safetensors", with({"--stages", "bicubic 50%; bsrgan 50%"})).code, 0);
  ASSERT_EQ(train("edsr", "hard.safetensors", with({"--recipe", "bsrgan"})).code, 0);
  ASSERT_EQ(train("edsr", "one.safetensors", with({"--stages", "bsrgan 100%"})).code, 0);
  EXPECT_FALSE(same("staged.safetensors", "hard.safetensors"));
  EXPECT_TRUE(same("one.safetensors", "hard.safetensors"));
  expect_refused("edsr", {"--stages", "bicubic 50%"}, "must be 100");
  expect_refused("edsr", {"--stages", "bicubic"}, "as in 'bicubic 30%'");
  expect_refused("edsr", {"--stages", "bicubic 100%", "--recipe", "bsrgan"}, "leave --recipe and --curriculum out");
  expect_refused("edsr", {"--stages", "nonsense 100%"}, "nonsense");
  expect_refused("srmd", {"--stages", "bicubic 100%"}, "leave --stages out");
}

}  // namespace
}  // namespace zsr::test
