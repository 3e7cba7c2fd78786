#include "quality/niqe.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

// The model that the reference values below were computed with.
NiqeModel model() {
  const torch::Tensor k = torch::arange(36, torch::kFloat64);
  return {1.0 + 0.05 * k, 0.3 * torch::exp(-0.5 * (k.view({-1, 1}) - k.view({1, -1})).abs())};
}

TEST(Niqe, EqualsTheAuthorsFormula) {
  // computequality.m and what it calls written in NumPy and SciPy. The same script with the authors' model
  // gives 5.0290, 17.8659 and 2.6571 for images 1, 2 and 4 of their release, as published.
  EXPECT_NEAR(niqe(test::waves_and_rings(), model()), 17.549184350156434, 1e-4);
  EXPECT_NEAR(niqe(test::waves_and_rings().slice(1, 0, 1), model()), 17.21852571239893, 1e-4);
}

TEST(Niqe, IsNoNumberWithoutTwoBlocks) {
  EXPECT_TRUE(std::isnan(niqe(test::waves_and_rings().slice(2, 0, 96).slice(3, 0, 191), model())));
  EXPECT_TRUE(std::isnan(niqe(torch::full({1, 3, 200, 300}, 0.5), model())));
}

TEST(Niqe, ReadsEitherFileOfTheModel) {
  WeightsFile release;
  release.origin = "modelparameters.mat";
  release.tensors = {{"mu_prisparam", model().mean.view({1, 36})}, {"cov_prisparam", model().covariance}};
  EXPECT_TRUE(torch::equal(NiqeModel::from(release).mean, model().mean));
  WeightsFile other;
  other.tensors = {{"mu_pris_param", model().mean.view({1, 36})}, {"cov_pris_param", model().covariance}};
  EXPECT_TRUE(torch::equal(NiqeModel::from(other).covariance, model().covariance));
  other.tensors.pop_back();
  EXPECT_THROW(NiqeModel::from(other), InputError);
  release.tensors[0].tensor = torch::zeros({1, 18}, torch::kFloat64);
  EXPECT_THROW(NiqeModel::from(release), InputError);
}

}  // namespace
}  // namespace zsr
