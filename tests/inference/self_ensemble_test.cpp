#include "inference/self_ensemble.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::inference {
namespace {

torch::Tensor image_of(int64_t turn) {
  return torch::full({1, 1, 2, 2}, static_cast<double>(turn * turn));
}

TEST(SelfEnsemble, TurnsKeepTheAxesWhereTheFactorsDiffer) {
  EXPECT_EQ(ensemble_turns(false), (std::vector<int64_t>{0}));
  EXPECT_EQ(ensemble_turns(true).size(), 8U);
  for (const int64_t turn : ensemble_turns(true, false)) EXPECT_EQ(turn % 2, 0);
}

TEST(SelfEnsemble, PixelsOfACornerStandAtTheOtherEndAfterHalfATurn) {
  const Phase half = turned_phase({0.0, 0.0}, {3, 5}, {6, 10}, {2.0, 2.0}, 2);
  EXPECT_EQ(half.y, 1.0);
  EXPECT_EQ(half.x, 1.0);
  const Phase centred = turned_phase({1.0, 1.0}, {3, 5}, {9, 15}, {3.0, 3.0}, 5);
  EXPECT_EQ(centred.y, 1.0);
  EXPECT_EQ(centred.x, 1.0);
}

TEST(SelfEnsemble, MeanAndMedian) {
  const auto always = [] { return true; };
  const Combined mean = combine_passes(ensemble_turns(true), EnsembleRule::kMean, image_of, always);
  EXPECT_EQ(mean.passes, 8);
  EXPECT_FLOAT_EQ(mean.image[0][0][1][1].item<float>(), 140.0F / 8.0F);
  const Combined median = combine_passes(ensemble_turns(true), EnsembleRule::kMedian, image_of, always);
  EXPECT_FLOAT_EQ(median.image[0][0][0][0].item<float>(), 12.5F);  // between 9 and 16
}

TEST(SelfEnsemble, EndsEarlyWithWhatWasMade) {
  int64_t asked = 0;
  const Combined made =
      combine_passes(ensemble_turns(true), EnsembleRule::kMean, image_of, [&] { return ++asked < 3; });
  EXPECT_EQ(made.passes, 3);
  EXPECT_FLOAT_EQ(made.image[0][0][0][0].item<float>(), 5.0F / 3.0F);
}

}  // namespace
}  // namespace zsr::inference
