#include "restore/scratch_fill.h"

#include "core/error.h"
#include "degradations/estimation/scratches.h"
#include "image/photo.h"
#include "tests/support/scratched.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::restore {
namespace {

torch::Tensor example(const char* name) {
  return load_photo(std::string(ZSR_EXAMPLES "/") + name).color;
}

// PSNR of the pixels that `damage` marks.
double psnr_within(const torch::Tensor& image, const torch::Tensor& reference, const torch::Tensor& damage) {
  const torch::Tensor error = (image - reference).square().mean(1, true);
  return -10.0 * std::log10(((error * damage).sum() / damage.sum()).item<double>());
}

TEST(ScratchFill, BringsDrawnScratchesBackByTheTrueMask) {
  const torch::Tensor clean = example("portrait_160.png");
  const test::Scratched scratched = test::draw_scratches(clean, 1.0);
  const FilledPhoto filled = fill_scratches(scratched.photo, 1.0 - scratched.damage);
  EXPECT_GT(psnr_within(filled.image, clean, scratched.damage),
            psnr_within(scratched.photo, clean, scratched.damage) + 10.0);
  EXPECT_NEAR(filled.part, scratched.damage.mean().item<double>(), 1e-6);
  EXPECT_GE(filled.regions, 1);
}

TEST(ScratchFill, BringsDrawnScratchesBackByTheProposedMask) {
  for (const char* name : {"portrait_160.png", "coffee_192x128.png"}) {
    const torch::Tensor clean = example(name);
    const test::Scratched scratched = test::draw_scratches(clean, 1.0);
    const FilledPhoto filled = fill_scratches(scratched.photo, propose_mask(scratched.photo));
    EXPECT_GT(psnr_within(filled.image, clean, scratched.damage),
              psnr_within(scratched.photo, clean, scratched.damage) + 4.0)
        << name;
  }
}

TEST(ScratchFill, WhatIsGoodStaysToTheBit) {
  const torch::Tensor clean = example("cameraman_gray_128.png");
  const test::Scratched scratched = test::draw_scratches(clean, 0.0);
  const torch::Tensor filled = fill_scratches(scratched.photo, 1.0 - scratched.damage).image;
  EXPECT_EQ(filled.size(1), clean.size(1));
  EXPECT_TRUE(torch::equal(filled * (1.0 - scratched.damage), scratched.photo * (1.0 - scratched.damage)));
  EXPECT_TRUE(torch::equal(fill_scratches(clean, torch::ones_like(clean)).image, clean));
}

TEST(ScratchFill, FillsBetweenTheLevelsOfEightBits) {
  const torch::Tensor ramp = torch::linspace(0.5, 0.51, 200).view({1, 1, 1, 200}).expand({1, 1, 40, 200}).contiguous();
  torch::Tensor mask = torch::ones({1, 1, 40, 200});
  mask.slice(2, 18, 21).fill_(0.0);
  const torch::Tensor filled = fill_scratches(ramp, mask).image;
  EXPECT_LT((filled - ramp).abs().max().item<double>(), 0.5 / 255.0 / 4.0);
}

TEST(ScratchFill, FlatPhotosAreFilledFlat) {
  const torch::Tensor flat = torch::full({1, 1, 20, 30}, 0.3F);
  torch::Tensor photo = flat.clone();
  torch::Tensor mask = torch::ones({1, 1, 20, 30});
  photo.slice(2, 8, 10).fill_(1.0);
  mask.slice(2, 8, 10).fill_(0.0);
  const FilledPhoto filled = fill_scratches(photo, mask);
  EXPECT_LT((filled.image - flat).abs().max().item<double>(), 1e-3);
  EXPECT_EQ(filled.regions, 1);
  EXPECT_NEAR(filled.part, 0.1, 1e-9);
}

TEST(ScratchFill, MasksThatCannotBeUsedAreRefused) {
  const torch::Tensor photo = torch::full({1, 3, 8, 8}, 0.5F);
  EXPECT_THROW(fill_scratches(photo, torch::ones({1, 1, 8, 9})), OptionError);
  EXPECT_THROW(fill_scratches(photo, torch::ones({1, 3, 8, 8})), OptionError);
  EXPECT_THROW(fill_scratches(photo, torch::zeros({1, 1, 8, 8})), OptionError);
}

}  // namespace
}  // namespace zsr::restore
