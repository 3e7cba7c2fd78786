#include "pipeline/choose_formation.h"

#include "degradations/kernel_families.h"
#include "pipeline/methods.h"
#include "pipeline/photo_formation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>
#include <utility>
#include <vector>

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
  made.unconfirmed = verdict == kernelgan::Verdict::kWeak;
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

// Every kind of photo and request that decides the kernel, what comes of it, and why: printed, so that the table can be
// read in the test's output.
struct Case {
  const char* name;
  Request request;
  PhotoCondition condition;
  std::optional<kernelgan::Estimate> estimate;
  bool asks_for_estimate;  // plan_formation()
  Way way;                 // choose_formation()
  bool trusts_kernel;
};

Request with_kernel(KernelRequest::Source source) {
  Request request;
  request.kernel.source = source;
  request.kernel.name = "kernel.mat";
  if (source == KernelRequest::Source::kGiven) request.kernel.kernel = gaussian_kernel(13, 1.5, 1.5);
  return request;
}

std::vector<Case> all_cases() {
  using Source = KernelRequest::Source;
  using kernelgan::Verdict;
  const auto small = [] {
    kernelgan::Estimate made = estimate(Verdict::kWeak);
    made.compared = false;
    made.photo_side = 100;
    return made;
  };
  PhotoCondition compressed;
  compressed.damage = 0.6;
  compressed.jpeg = JpegEstimate{.quality = 40};
  PhotoCondition gray = blurred_edges();
  gray.chroma_noise.reset();
  PhotoCondition tiny;  // too small for any measurement
  auto rejected = estimate(Verdict::kReject);
  rejected.bicubic = true;
  return {
      {"given", with_kernel(Source::kGiven), {}, std::nullopt, false, Way::kZeroShot, true},
      {"bicubic named", with_kernel(Source::kBicubic), {}, std::nullopt, false, Way::kZeroShot, true},
      {"estimate asked for", with_kernel(Source::kEstimated), {}, estimate(Verdict::kGood), true, Way::kZeroShot, true},
      {"estimated good", {}, blurred_edges(), estimate(Verdict::kGood), true, Way::kZeroShot, true},
      {"estimated weak, blurred edges", {}, blurred_edges(), estimate(Verdict::kWeak), true, Way::kZeroShot, true},
      {"estimated weak, camera's edges", {}, {}, estimate(Verdict::kWeak), true, Way::kRestore, false},
      {"rejected", {}, {}, rejected, true, Way::kZeroShot, true},
      {"noisy", {}, noisy(9.0), estimate(Verdict::kGood), true, Way::kRestore, false},
      {"JPEG", {}, compressed, estimate(Verdict::kGood), true, Way::kRestore, false},
      {"small", {}, blurred_edges(), small(), true, Way::kZeroShot, true},
      {"tiny", {}, tiny, rejected, true, Way::kZeroShot, true},
      {"gray", {}, gray, estimate(Verdict::kGood), true, Way::kZeroShot, true},
  };
}

TEST(ChooseFormation, EveryCaseHasItsReason) {
  for (const Case& c : all_cases()) {
    const FormationPlan plan = plan_formation(c.request, default_method().name);
    const FormationChoice choice = choose_formation(c.condition, c.estimate);
    fmt::print("{:<32} kernel {:<12} ({}); {} ({})\n", c.name, plan.kernel_name, plan.reason,
               choice.way == Way::kRestore ? fmt::format("restored by {:.2f}", choice.strength)
               : choice.most_share < 1.0   ? fmt::format("zero-shot, {:.2f} of the covariance", choice.most_share)
                                           : "zero-shot",
               fmt::join(choice.reasons, "; "));
    EXPECT_EQ(plan.estimate_kernel, c.asks_for_estimate) << c.name;
    EXPECT_FALSE(plan.reason.empty()) << c.name;
    EXPECT_EQ(choice.way, c.way) << c.name;
    EXPECT_EQ(choice.trust_kernel, c.trusts_kernel) << c.name;
    EXPECT_FALSE(choice.reasons.empty()) << c.name;
  }
}

// What look_at_photo() makes of a real gray photo and of one that is too small to measure.
TEST(ChooseFormation, GrayAndTinyPhotosAreLookedAtAsOthers) {
  for (const auto& [side, channels] : {std::pair<int64_t, int64_t>{96, 1}, {12, 3}}) {
    torch::manual_seed(1);
    const torch::Tensor photo = torch::rand({1, channels, side, side});
    const PhotoFormation found = look_at_photo(photo, {}, default_method().name, std::nullopt, {});
    EXPECT_TRUE(found.plan.estimate_kernel);
    EXPECT_TRUE(found.record.contains("kernel"));
  }
}

}  // namespace
}  // namespace zsr::pipeline
