#include "dip/dip_fkp.h"

#include "core/error.h"
#include "degradations/flow_prior.h"
#include "dip/ssim_loss.h"
#include "image/resize.h"
#include "tests/support/one_thread.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::dip {
namespace {

class DipFkpTest : public test::OneThread {
 protected:
  void SetUp() override {
    OneThread::SetUp();
    torch::manual_seed(1);
  }
};

TEST_F(DipFkpTest, SimilarityIsOneForEqualImagesAndKnownForConstants) {
  const torch::Tensor image = torch::rand({1, 3, 40, 30});
  EXPECT_NEAR(ssim_loss_similarity(image, image).item<double>(), 1.0, 1e-6);
  // But for the border two constants have only their means to be compared.
  const torch::Tensor a = torch::full({1, 1, 64, 64}, 0.5);
  const torch::Tensor b = torch::full({1, 1, 64, 64}, 0.25);
  const double wanted = (2.0 * 0.125 + 1e-4) / (0.25 + 0.0625 + 1e-4);
  EXPECT_NEAR(ssim_loss_similarity(a, b).item<double>(), wanted, 0.05);
  EXPECT_LT(ssim_loss_similarity(image, 1.0 - image).item<double>(), 0.0);
}

TEST_F(DipFkpTest, FitsImageAndKernelTogether) {
  Random random(3);
  const FlowPrior prior = FlowPrior::for_scale(2, random);
  const torch::Tensor photo = imresize(torch::rand({1, 3, 12, 14}), {3.0, 3.0}).clamp(0.0, 1.0);
  FkpOptions options;
  options.steps = 12;
  options.frozen_steps = 4;
  options.similarity_steps = 6;
  for (const bool published : {false, true}) {
    options.published_phase = published;
    double first = 0.0;
    double last = 0.0;
    RunContext context;
    context.progress = [&](const Progress& now) {
      if (now.step == 7) first = now.loss;
      last = now.loss;
      return ProgressAction::kContinue;
    };
    const FkpResult result = run_fkp(photo, prior, options, context);
    EXPECT_EQ(result.image.sizes(), (std::vector<int64_t>{1, 3, 72, 84}));
    EXPECT_EQ(result.kernel.height(), 11);
    EXPECT_EQ(result.summary.steps, 12);
    EXPECT_LT(last, first);
  }
}

TEST_F(DipFkpTest, ThePriorMustBeOfTheScale) {
  Random random(3);
  const FlowPrior prior = FlowPrior::for_scale(2, random);
  FkpOptions options;
  options.scale = 4;
  EXPECT_THROW(run_fkp(torch::rand({1, 3, 32, 32}), prior, options), OptionError);
  options.scale = 2;
  EXPECT_THROW(run_fkp(torch::rand({3, 32, 32}), prior, options), InputError);
  options.steps = 0;
  EXPECT_THROW(run_fkp(torch::rand({1, 3, 32, 32}), prior, options), OptionError);
}

}  // namespace
}  // namespace zsr::dip
