#include "pipeline/choose_formation.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::pipeline {
namespace {

PhotoCondition blurred_edges() {
  PhotoCondition condition;
  condition.edge_width = 3.0;
  condition.edge_overshoot = 0.0;
  return condition;
}

kernelgan::Estimate estimate(kernelgan::Verdict verdict) {
  kernelgan::Estimate made{.kernel = BlurKernel(torch::ones({1, 1}))};
  made.verdict = verdict;
  made.sigma_1 = made.sigma_2 = 2.0;
  return made;
}

TEST(ChooseFormation, CleanPhotosKeepZeroShot) {
  const FormationChoice choice = choose_formation({});
  EXPECT_EQ(choice.way, Way::kZeroShot);
  EXPECT_TRUE(choice.trust_kernel);
  EXPECT_FALSE(choice.reasons.empty());
}

TEST(ChooseFormation, DamagedPhotosAreRestoredTheMoreTheWorse) {
  PhotoCondition condition;
  double before = 0.0;
  for (const double damage : {0.3, 0.4, 0.9}) {
    condition.damage = damage;
    const FormationChoice choice = choose_formation(condition);
    EXPECT_EQ(choice.way, Way::kRestore);
    EXPECT_GT(choice.strength, before);
    before = choice.strength;
  }
  EXPECT_EQ(before, 1.0);
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
}

}  // namespace
}  // namespace zsr::pipeline
