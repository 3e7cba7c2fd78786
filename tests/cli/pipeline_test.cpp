#include "core/error.h"
#include "pipeline/methods.h"
#include "pipeline/trained.h"
#include "pipeline/upscale.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

// A program that links zsr::pipeline gets the file that `zsr upscale` writes.
class PipelineBytes : public ::testing::Test {
 protected:
  void SetUp() override {
    photo_ = load_photo(example("coffee_192x128.png"));
    photo_.color = photo_.color.slice(2, 20, 68).slice(3, 40, 104).contiguous();
    photo_.alpha = torch::linspace(0.2, 1.0, 64).expand({1, 1, 48, 64}).contiguous();
    save_photo(photo_, dir_ / "in.png", {});
  }

  void expect_equal(const pipeline::Request& request, std::vector<std::string> flags) {
    for (const char* const word : {"-o", "cli.png", "-q", "--seed", "3", "--force", "--no-record"}) {
      flags.emplace_back(word);
    }
    flags[flags.size() - 6] = (dir_ / "cli.png").string();
    flags.insert(flags.begin(), {"upscale", (dir_ / "in.png").string()});
    const ProgramResult program = run_zsr(flags);
    ASSERT_EQ(program.code, 0) << program.err;
    RunContext context;
    context.seed = 3;
    const pipeline::Outcome outcome = pipeline::upscale(load_photo(dir_ / "in.png"), request, context);
    save_photo(outcome.photo, dir_ / "library.png", {.overwrite = Overwrite::kYes});
    EXPECT_EQ(read_bytes(dir_ / "library.png"), read_bytes(dir_ / "cli.png")) << flags[2];
  }

  TempDir dir_;
  Photo photo_;
};

TEST_F(PipelineBytes, AreThoseOfTheProgram) {
  pipeline::Request bicubic;
  bicubic.method = "bicubic";
  bicubic.scale = {3.0, 1.5};
  expect_equal(bicubic, {"-m", "bicubic", "-s", "1.5x3"});

  pipeline::Request zssr;
  zssr.method = "zssr";
  zssr.kernel.source = pipeline::KernelRequest::Source::kBicubic;
  zssr.zssr.channels = 8;
  zssr.zssr.depth = 3;
  zssr.steps = 3;
  expect_equal(zssr, {"-m", "zssr", "--kernel", "bicubic", "--channels", "8", "--depth", "3", "--steps", "3"});

  pipeline::Request restore;
  restore.method = "restore";
  restore.restore.strength = 0.7;
  expect_equal(restore, {"-m", "restore", "--strength", "0.7"});

  pipeline::Request network;
  network.method = "edsr";
  network.trained = std::make_shared<const pipeline::Trained>(pipeline::load_trained("edsr", "", "", {2.0, 2.0}));
  network.back_projection = 2;
  network.target = Size{120, 160};
  network.scale = {3.0, 3.0};
  network.trained = std::make_shared<const pipeline::Trained>(pipeline::load_trained("edsr", "", "", {3.0, 3.0}));
  expect_equal(network, {"-m", "edsr", "--back-projection", "2", "--width", "160"});

  expect_equal({}, {});  // chosen by the photo
}

// A texture that is moved round has the same result, moved round.
TEST(PipelineWrap, HasNoSeam) {
  const torch::Tensor noise = torch::rand({1, 3, 40, 56}, torch::kFloat32);
  const auto enlarged = [&](const std::string& method, const torch::Tensor& image, bool wrap) {
    pipeline::Request request;
    request.method = method;
    request.wrap = wrap;
    if (method != "bicubic") {
      request.trained = std::make_shared<const pipeline::Trained>(pipeline::load_trained(method, "", "", {2.0, 2.0}));
      request.kernel.source = pipeline::KernelRequest::Source::kBicubic;
    }
    Photo photo;
    photo.color = image;
    return pipeline::upscale(photo, request).photo.color;
  };
  for (const std::string method : {"bicubic", "edsr", "srmd"}) {
    const auto difference = [&](bool wrap) {
      const torch::Tensor straight = enlarged(method, noise, wrap);
      const torch::Tensor moved = enlarged(method, noise.roll({20, 28}, {2, 3}), wrap);
      return (straight.roll({40, 56}, {2, 3}) - moved).abs().max().item<float>();
    };
    EXPECT_LE(difference(true), 1.0F / 255.0F) << method;
    EXPECT_GT(difference(false), 4.0F / 255.0F) << method;
  }
  pipeline::Request request;
  request.wrap = true;
  request.scale = {1.5, 1.5};
  EXPECT_THROW(prepared(request), OptionError);
}

TEST_F(PipelineBytes, TheRecordNamesWhatWasGivenChosenAndUsed) {
  pipeline::Request request;
  request.ensemble = true;
  request.steps = 2;
  request.zssr.channels = 8;
  request.zssr.depth = 2;
  const auto fields = pipeline::upscale(load_photo(dir_ / "in.png"), request).record["fields"];
  EXPECT_TRUE(fields["method"]["given"].is_null());
  EXPECT_EQ(fields["method"]["used"], "zssr");
  EXPECT_TRUE(fields["kernel"]["given"].is_null());
  EXPECT_EQ(fields["kernel"]["chosen"], "auto");
  EXPECT_NE(fields["kernel"]["used"], "auto");
  EXPECT_EQ(fields["ensemble"]["given"], true);
  EXPECT_EQ(fields["steps"]["used"], 2);
  EXPECT_FALSE(fields.contains("strength"));
}

}  // namespace
}  // namespace zsr::test
