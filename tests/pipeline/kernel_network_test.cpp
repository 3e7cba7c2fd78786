#include "pipeline/kernel_network.h"

#include "degradations/kernel_families.h"
#include "pipeline/trained.h"
#include "pipeline/upscale.h"

#include <gtest/gtest.h>

namespace zsr::pipeline {
namespace {

Request under(const KernelSpec& spec) {
  Request request;
  request.kernel.source = KernelRequest::Source::kGiven;
  request.kernel.kernel = make_kernel(spec);
  return request;
}

const KernelSpec kShake{.family = KernelFamily::kShake, .size = 21, .length = 13.0};

TEST(KernelNetwork, TakesKernelsThatAreNoGaussians) {
  for (const double scale : {2.0, 3.0, 4.0}) {
    Request request = under(kShake);
    request.scale = {scale, scale};
    const Request made = settled(request);
    ASSERT_TRUE(made.trained);
    EXPECT_EQ(first_method(made), "usrnet");
    EXPECT_TRUE(made.trained->takes_kernel());
  }
}

TEST(KernelNetwork, LeavesTheRestAsItIs) {
  EXPECT_FALSE(settled(under({.size = 15, .sigma_1 = 1.8, .sigma_2 = 1.2})).trained);
  EXPECT_FALSE(settled(Request{}).trained);
  Request fraction = under(kShake);
  fraction.scale = {2.5, 2.5};
  EXPECT_FALSE(settled(fraction).trained);
  Request training = under(kShake);
  training.training = true;
  EXPECT_FALSE(settled(training).trained);
  Request named = under(kShake);
  named.method = "zssr";
  EXPECT_FALSE(settled(named).trained);
  Request noisy = under(kShake);
  noisy.noise = {.source = NoiseRequest::Source::kGiven, .sigma = 40.0};
  EXPECT_FALSE(settled(noisy).trained);
  noisy.noise.sigma = 10.0;
  EXPECT_TRUE(settled(noisy).trained);
}

}  // namespace
}  // namespace zsr::pipeline
