#include "datasets/benchmark_layout.h"

#include "core/error.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

using test::TempDir;
namespace fs = std::filesystem;

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  test::write_bytes(path, "x");
}

struct Case {
  std::string layout;
  std::vector<std::string> files;
  std::string hr;
  std::string lr;
  std::string kernel;
};

TEST(Benchmark, KnowsTheLayoutsPeopleHave) {
  const std::vector<Case> cases = {
      {"SelfExSR",
       {"image_SRF_2/img_001_SRF_2_HR.png", "image_SRF_2/img_001_SRF_2_LR.png", "image_SRF_4/img_001_SRF_4_HR.png"},
       "image_SRF_2/img_001_SRF_2_HR.png",
       "image_SRF_2/img_001_SRF_2_LR.png",
       ""},
      {"EDSR benchmark",
       {"HR/baby.png", "LR_bicubic/X2/babyx2.png", "LR_bicubic/X3/babyx3.png"},
       "HR/baby.png",
       "LR_bicubic/X2/babyx2.png",
       ""},
      {"DIV2K valid",
       {"DIV2K_valid_HR/0801.png", "DIV2K_valid_LR_bicubic/X2/0801x2.png"},
       "DIV2K_valid_HR/0801.png",
       "DIV2K_valid_LR_bicubic/X2/0801x2.png",
       ""},
      {"BasicSR", {"GTmod12/baby.png", "LRbicx2/baby.png"}, "GTmod12/baby.png", "LRbicx2/baby.png", ""},
      {"DIV2KRK",
       {"gt/img_7.png", "lr_x2/im_7.png", "gt_k_x2/kernel_7.mat"},
       "gt/img_7.png",
       "lr_x2/im_7.png",
       "gt_k_x2/kernel_7.mat"},
      {"RealSR",
       {"Canon/2/Canon_001_HR.png", "Canon/2/Canon_001_LR2.png"},
       "Canon/2/Canon_001_HR.png",
       "Canon/2/Canon_001_LR2.png",
       ""},
      {"HR and LR folders", {"HR_x2/a.png", "LR_x2/a.png", "HR_x4/a.png"}, "HR_x2/a.png", "LR_x2/a.png", ""},
      {"HR and LR folders", {"HR/a.png", "LR/a.png", "LR/kernel.mat"}, "HR/a.png", "LR/a.png", "LR/kernel.mat"},
      {"HR and LR folders", {"HR/a.png", "LR/a.png", "kernels/a.mat"}, "HR/a.png", "LR/a.png", "kernels/a.mat"},
      {"HR images only", {"a.png"}, "a.png", "", ""},
  };
  for (const Case& item : cases) {
    const TempDir dir;
    for (const std::string& file : item.files) touch(dir / file);
    const bool inside = item.layout == "RealSR";
    const Benchmark benchmark = find_benchmark(inside ? dir / "Canon" : dir.path(), 2);
    EXPECT_EQ(benchmark.layout, item.layout);
    ASSERT_EQ(benchmark.items.size(), 1U) << item.layout;
    EXPECT_EQ(benchmark.items[0].hr, dir / item.hr) << item.layout;
    EXPECT_EQ(benchmark.items[0].lr, item.lr.empty() ? fs::path() : dir / item.lr) << item.layout;
    EXPECT_EQ(benchmark.items[0].kernel, item.kernel.empty() ? fs::path() : dir / item.kernel) << item.layout;
  }
}

TEST(Benchmark, AMissingPartnerIsNamedWithBothPaths) {
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases = {
      {{"HR/a.png", "HR/b.png", "LR_bicubic/X2/ax2.png"}, {"HR/b.png", "LR_bicubic/X2/bx2.png"}},
      {{"HR/a.png", "LR_bicubic/X2/ax2.png", "LR_bicubic/X2/cx2.png"}, {"cx2.png", "HR"}},
      {{"image_SRF_2/i_SRF_2_HR.png"}, {"i_SRF_2_HR.png", "i_SRF_2_LR.png"}},
      {{"gt/img_1.png", "lr_x2/im_1.png", "lr_x2/im_2.png", "gt_k_x2/kernel_1.mat"}, {"im_2.png", "img_2.png"}},
      {{"gt/img_1.png", "lr_x2/im_1.png", "gt_k_x2/other.mat"}, {"im_1.png", "kernel_1.mat"}},
      {{"HR/a.png", "LR/a.png", "kernels/b.mat"}, {"LR/a.png", "kernels/a.mat"}},
  };
  for (const auto& [files, parts] : cases) {
    const TempDir dir;
    for (const std::string& file : files) touch(dir / file);
    try {
      find_benchmark(dir.path(), 2);
      ADD_FAILURE() << files[0];
    } catch (const InputError& error) {
      for (const std::string& part : parts) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      }
    }
  }
  const TempDir empty;
  EXPECT_THROW(find_benchmark(empty.path(), 2), InputError);
  EXPECT_THROW(find_benchmark(empty / "none", 2), IoError);
}

}  // namespace
}  // namespace zsr
