#include "pipeline/choose_formation.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::pipeline {
namespace {

PhotoCondition blurred_edges() {
  PhotoCondition condition;
  condition.edge_width = 3.0;
  condition.edge_overshoot = 0.0;
  condition.half_power = 0.17;
  return condition;
}

kernelgan::Estimate estimate(kernelgan::Verdict verdict) {
  kernelgan::Estimate made{.kernel = BlurKernel(torch::ones({1, 1}))};
  made.verdict = verdict;
  made.sigma_1 = made.sigma_2 = 2.0;
  made.compared = true;
  return made;
}

TEST(ChooseFormation, CleanPhotosKeepZeroShot) {
  const FormationChoice choice = choose_formation({});
  EXPECT_EQ(choice.way, Way::kZeroShot);
  EXPECT_TRUE(choice.trust_kernel);
  EXPECT_FALSE(choice.reasons.empty());
}

PhotoCondition noisy(double level) {
  PhotoCondition condition;
  condition.damage = 0.6;
  condition.noise = level;
  condition.half_power = 0.5;
  return condition;
}

TEST(ChooseFormation, DamagedPhotosAreRestoredTheMoreTheWorse) {
  double before = 0.0;
  for (const double level : {3.0, 5.0, 8.0}) {
    const FormationChoice choice = choose_formation(noisy(level));
    EXPECT_EQ(choice.way, Way::kRestore);
    EXPECT_GT(choice.strength, before);
    EXPECT_LE(choice.strength, 1.0);
    before = choice.strength;
  }
  PhotoCondition compressed = noisy(0.0);
  compressed.jpeg = JpegEstimate{.quality = 70};
  const double mild = choose_formation(compressed).strength;
  compressed.jpeg->quality = 30;
  EXPECT_GT(choose_formation(compressed).strength, mild);
}

TEST(ChooseFormation, SoftDamagedPhotosAreRestoredWhole) {
  PhotoCondition condition = noisy(3.0);
  condition.half_power = 0.17;
  EXPECT_EQ(choose_formation(condition).strength, 1.0);
}

TEST(ChooseFormation, DrawingsAreNeverRestored) {
  PhotoCondition condition = noisy(9.0);
  condition.graphics = true;
  EXPECT_EQ(choose_formation(condition).way, Way::kZeroShot);
}

TEST(ChooseFormation, GoodKernelsAreTrustedOnAnyPhoto) {
  EXPECT_TRUE(choose_formation({}, estimate(kernelgan::Verdict::kGood)).trust_kernel);
}

TEST(ChooseFormation, WeakKernelsAreTrustedWhereEdgesAreThoseOfABlur) {
  const auto weak = estimate(kernelgan::Verdict::kWeak);
  EXPECT_TRUE(choose_formation(blurred_edges(), weak).trust_kernel);
  PhotoCondition sharpened = blurred_edges();
  sharpened.edge_overshoot = 0.08;
  EXPECT_FALSE(choose_formation(sharpened, weak).trust_kernel);
  PhotoCondition narrow = blurred_edges();
  narrow.edge_width = 1.6;
  EXPECT_FALSE(choose_formation(narrow, weak).trust_kernel);
  const FormationChoice camera = choose_formation(sharpened, weak);
  EXPECT_EQ(camera.way, Way::kRestore);
  EXPECT_LT(camera.strength, 0.5) << "a camera photo is no damaged photo";
}

TEST(ChooseFormation, TheSmallerThePhotoTheLessOfAnUnconfirmedKernelIsUndone) {
  auto weak = estimate(kernelgan::Verdict::kWeak);
  EXPECT_EQ(choose_formation(blurred_edges(), weak).most_share, 1.0);
  weak.compared = false;
  double before = 0.0;
  for (const int64_t side : {100, 150, 200, 256}) {
    weak.photo_side = side;
    const double share = choose_formation(blurred_edges(), weak).most_share;
    EXPECT_GT(share, before);
    before = share;
  }
  EXPECT_EQ(before, 1.0);
}

}  // namespace
}  // namespace zsr::pipeline
