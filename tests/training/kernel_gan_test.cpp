// The generator of blur kernels of KMSR.
#include "training/kernel_gan.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::training {
namespace {

torch::Tensor gaussian(int64_t side, double sigma, double y0 = 0.0, double x0 = 0.0) {
  const torch::Tensor at = torch::arange(side, torch::kFloat64) - static_cast<double>(side / 2);
  const torch::Tensor y = (-(at - y0).square() / (2.0 * sigma * sigma)).exp();
  const torch::Tensor x = (-(at - x0).square() / (2.0 * sigma * sigma)).exp();
  const torch::Tensor kernel = y.outer(x);
  return kernel / kernel.sum();
}

// Mean variance along both axes.
double variance(const torch::Tensor& kernels) {
  const torch::Tensor at = torch::arange(kernels.size(1), torch::kFloat32) - static_cast<double>(kernels.size(1) / 2);
  const torch::Tensor square = at.square();
  return 0.5 * ((kernels.sum(2) * square).sum(1) + (kernels.sum(1) * square).sum(1)).mean().item<double>();
}

TEST(KernelGan, HasThePublishedCounts) {
  const KernelGan gan({.published = true}, 1);
  EXPECT_EQ(gan.generator_count(), 12133698 + 2 * (1024 + 512 + 256));  // and running statistics
  EXPECT_EQ(gan.critic_count(), 10504449);
}

TEST(KernelGan, PoolsAreOfOneSizeAndInTheMiddle) {
  const torch::Tensor pool = kernel_pool({gaussian(11, 1.0), gaussian(41, 2.0, 3.0, -2.0), gaussian(24, 1.5)});
  ASSERT_EQ(pool.sizes(), torch::IntArrayRef({3, 25, 25}));
  EXPECT_LT((pool.sum({1, 2}) - 1.0).abs().max().item<double>(), 1e-5);
  EXPECT_LT(test::max_difference(pool[0].slice(0, 7, 18).slice(1, 7, 18), gaussian(11, 1.0).to(torch::kFloat32)), 1e-5);
  EXPECT_LT(test::max_difference(pool[1], gaussian(25, 2.0).to(torch::kFloat32)), 1e-3);
}

TEST(KernelGan, DrawsKernelsThatFollowTheSeed) {
  const KernelGan gan({}, 1);
  const torch::Tensor drawn = gan.draw(5, 3);
  EXPECT_EQ(drawn.sizes(), torch::IntArrayRef({5, 25, 25}));
  EXPECT_GE(drawn.min().item<double>(), 0.0);
  EXPECT_LT((drawn.sum({1, 2}) - 1.0).abs().max().item<double>(), 1e-4);
  EXPECT_TRUE(torch::equal(drawn, gan.draw(5, 3)));
  EXPECT_FALSE(torch::equal(drawn, gan.draw(5, 4)));
}

TEST(KernelGan, LearnsHowWideThePoolsKernelsAre) {
  std::vector<torch::Tensor> kernels;
  for (int i = 0; i < 40; ++i) kernels.push_back(gaussian(25, 1.5 + 0.01 * i));
  const torch::Tensor pool = kernel_pool(kernels);
  KernelGan gan({.steps = 60, .batch = 16}, 2);
  const double before = std::abs(variance(gan.draw(64, 1)) - variance(pool));
  const Summary summary = gan.train(pool, {});
  EXPECT_EQ(summary.steps, 60);
  EXPECT_LT(std::abs(variance(gan.draw(64, 1)) - variance(pool)), 0.5 * before);
}

TEST(KernelGan, TooFewKernelsAreRefused) {
  KernelGan gan({}, 1);
  EXPECT_THROW(gan.train(kernel_pool({gaussian(11, 1.0)}), {}), OptionError);
  EXPECT_THROW(KernelGan({.batch = 1}, 1), OptionError);
}

}  // namespace
}  // namespace zsr::training
