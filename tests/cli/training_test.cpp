// The main job on shipped photos, for real: degrade, upscale, measure.
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::test {
namespace {

double psnr_of(const std::filesystem::path& reference, const std::filesystem::path& result) {
  const auto output = run_zsr({"eval", "-r", reference.string(), "-i", result.string(), "-s", "2", "--json"});
  return nlohmann::json::parse(output.out)["mean"]["psnr_y"];
}

// A short run (150 of 400 steps) must beat bicubic clearly; seen: +1.5 dB on the portrait.
TEST(Training, ShortRunBeatsBicubicByHalfADecibel) {
  const TempDir dir;
  const std::string truth = example("portrait_160.png");
  ASSERT_EQ(run_zsr({"degrade", truth, "-o", (dir / "lr").string(), "-s", "2"}).code, 0);
  const std::string lr = (dir / "lr/portrait_160.png").string();
  ASSERT_EQ(run_zsr({"upscale", lr, "-o", (dir / "bicubic.png").string(), "-m", "bicubic", "-q"}).code, 0);
  ASSERT_EQ(run_zsr({"upscale", lr, "-o", (dir / "zssr.png").string(), "--steps", "150", "-q"}).code, 0);
  const double gain = psnr_of(truth, dir / "zssr.png") - psnr_of(truth, dir / "bicubic.png");
  EXPECT_GT(gain, 0.5);
}

// With the true kernel the gain is larger still, and a wrong phase would lose it all.
TEST(Training, TrueKernelBeatsBicubicByTwoDecibels) {
  const TempDir dir;
  write_bytes(dir / "kernel.txt", "1 3 4 3 1\n3 9 12 9 3\n4 12 16 12 4\n3 9 12 9 3\n1 3 4 3 1\n");
  const std::string truth = example("coffee_192x128.png");
  for (const char* phase : {"center", "corner"}) {
    const auto lr = dir / phase;
    ASSERT_EQ(run_zsr({"degrade", truth, "-o", lr.string(), "-s", "2", "--kernel", (dir / "kernel.txt").string(),
                       "--normalize-kernel", "--phase", phase})
                  .code,
              0);
    const std::string input = (lr / "coffee_192x128.png").string();
    const auto run = [&](const std::string& name, std::vector<std::string> more) {
      std::vector<std::string> arguments{"upscale", input, "-o", (lr / name).string(), "-q", "--phase", phase};
      arguments.insert(arguments.end(), more.begin(), more.end());
      EXPECT_EQ(run_zsr(arguments).code, 0);
      return psnr_of(truth, lr / name);
    };
    const double bicubic = run("bicubic.png", {"-m", "bicubic"});
    const double zssr = run("zssr.png", {"--kernel", (dir / "kernel.txt").string(), "--steps", "150"});
    EXPECT_GT(zssr - bicubic, 2.0) << phase << ": " << bicubic << " -> " << zssr;
  }
}

}  // namespace
}  // namespace zsr::test
