#include "dip/skip_network.h"

#include "core/error.h"
#include "tests/support/one_thread.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::dip {
namespace {

class SkipNetworkTest : public test::OneThread {
 protected:
  void SetUp() override {
    OneThread::SetUp();
    torch::manual_seed(1);
  }
};
using test::max_difference;

SkipSpec small_spec() {
  SkipSpec spec;
  spec.inputs = 5;
  spec.down = {16, 32, 16};
  spec.up = {16, 16, 32};
  spec.skip = {4, 0, 3};
  return spec;
}

// Gains, shifts and biases that are not 1, 0 and small.
void stir(const SkipNetwork& network, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(seed);
  torch::Tensor values = network.parameters();
  values.add_(0.1 * torch::randn_like(values));
}

double relative_error(const torch::Tensor& found, const torch::Tensor& wanted) {
  return ((found.to(torch::kFloat64) - wanted).norm() / wanted.norm()).item<double>();
}

// A value so near to the kink of an activation that rounding takes it across costs a percent of a small network's
// gradient: `seed` is one without.
void expect_as_in_double(const SkipSpec& spec, int64_t height, int64_t width, uint64_t seed = 3) {
  Random random(seed);
  const SkipNetwork network(spec, random);
  stir(network, 2);
  const torch::Tensor noise = torch::rand({1, spec.inputs, height, width});
  const torch::Tensor target = torch::rand({1, spec.outputs, height, width});
  const torch::Tensor output = network.forward(noise);
  (output - target).square().sum().backward();
  const torch::Tensor gradient = network.parameters().grad();

  const torch::Tensor exact = network.parameters().detach().to(torch::kFloat64).set_requires_grad(true);
  const torch::Tensor wanted = network.by_torch(noise.to(torch::kFloat64), exact);
  (wanted - target).square().sum().backward();
  EXPECT_LT(relative_error(output.detach(), wanted.detach()), 1e-4);
  const auto expect_slice = [&](const Slice& slice, const char* name, size_t level) {
    if (slice.shape.empty()) return;
    const torch::Tensor found = slice.of(gradient);
    const torch::Tensor should = slice.of(exact.grad());
    // What a normalisation takes away has only rounding errors for a gradient.
    if (should.norm().item<double>() < 1e-6) return;
    EXPECT_LT(relative_error(found, should), 2e-3) << name << " of level " << level;
  };
  for (size_t i = 0; i < network.layout().levels.size(); ++i) {
    const LevelSlices& level = network.layout().levels[i];
    const auto expect_layer = [&](const LayerSlices& layer, const char* name) {
      expect_slice(layer.weight, name, i);
      expect_slice(layer.gain, name, i);
      expect_slice(layer.shift, name, i);
    };
    expect_layer(level.skip, "skip");
    expect_layer(level.down, "down");
    expect_layer(level.second, "second");
    expect_layer(level.up, "up");
    expect_layer(level.point, "point");
    expect_slice(level.joint_gain, "joint", i);
    expect_slice(level.joint_shift, "joint", i);
    expect_slice(level.non_local.value, "value", i);
    expect_slice(level.non_local.key, "key", i);
    expect_slice(level.non_local.query, "query", i);
    expect_layer(level.non_local.back, "back");
  }
  expect_slice(network.layout().last, "last", 0);
  expect_slice(network.layout().last_bias, "last bias", 0);
  EXPECT_LT(relative_error(gradient, exact.grad()), 5e-5);
}

TEST_F(SkipNetworkTest, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(SkipLayout(SkipSpec{}).count, 2'217'831);  // super-resolution and denoising
  SkipSpec gray;
  gray.outputs = 1;
  EXPECT_EQ(SkipLayout(gray).count, 2'217'573);
  SkipSpec jpeg;
  jpeg.inputs = 3;
  jpeg.down = jpeg.up = {8, 16, 32, 64, 128};
  jpeg.skip = {0, 0, 0, 4, 4};
  EXPECT_EQ(SkipLayout(jpeg).count, 572'827);
  SkipSpec inpaint;
  inpaint.skip = {128, 128, 128, 128, 128};
  EXPECT_EQ(SkipLayout(inpaint).count, 3'002'627);
  SkipSpec hole;
  hole.inputs = 2;
  hole.skip = {0, 0, 0, 0, 0};
  EXPECT_EQ(SkipLayout(hole).count, 2'157'955);
  SkipSpec large;
  large.inputs = 1;
  large.down = large.up = {16, 32, 64, 128, 128, 128};
  large.skip = {0, 0, 0, 0, 0, 0};
  large.down_filter = 5;
  large.point_wise_up = false;
  EXPECT_EQ(SkipLayout(large).count, 2'996'467);
  SkipSpec fkp;
  fkp.inputs = 3;
  fkp.skip = {16, 16, 16, 16, 16};
  fkp.non_local = true;
  EXPECT_EQ(SkipLayout(fkp).count, 2'359'939);
}

TEST_F(SkipNetworkTest, FastPassesEqualDoublePrecision) {
  expect_as_in_double(small_spec(), 32, 48);
}

TEST_F(SkipNetworkTest, FastPassesEqualDoublePrecisionAtOddDepths) {
  // The deepest images are 2 and 5 pixels a side: borders, and tiles that hang over.
  expect_as_in_double(small_spec(), 16, 40);
}

TEST_F(SkipNetworkTest, NearestNeighboursAndNoPointWiseConvolution) {
  SkipSpec spec = small_spec();
  spec.bilinear = false;
  spec.point_wise_up = false;
  spec.outputs = 1;
  expect_as_in_double(spec, 32, 16);
}

TEST_F(SkipNetworkTest, NonLocalBlocks) {
  SkipSpec spec = small_spec();
  spec.skip = {16, 16, 16};
  spec.non_local = true;
  expect_as_in_double(spec, 32, 32, 4);
}

TEST_F(SkipNetworkTest, TwoThreadsAgreeWithOne) {
  Random random(3);
  const SkipNetwork network(small_spec(), random);
  const torch::Tensor noise = torch::rand({1, 5, 32, 48});
  const torch::Tensor one = network.forward(noise);
  one.sum().backward();
  const torch::Tensor gradient = network.parameters().grad().clone();
  at::set_num_threads(2);
  network.parameters().mutable_grad().reset();
  const torch::Tensor two = network.forward(noise);
  two.sum().backward();
  EXPECT_LT(max_difference(one.detach(), two.detach()), 1e-5);
  EXPECT_LT(relative_error(network.parameters().grad(), gradient.to(torch::kFloat64)), 1e-4);
}

TEST_F(SkipNetworkTest, SidesThatDoNotHalveAreRefused) {
  Random random(3);
  const SkipNetwork network(small_spec(), random);
  EXPECT_THROW(network.forward(torch::rand({1, 5, 36, 48})), OptionError);
  EXPECT_THROW(network.forward(torch::rand({1, 4, 32, 48})), OptionError);
  EXPECT_THROW(network.forward(torch::rand({1, 5, 8, 8})), OptionError);
  SkipSpec broken = small_spec();
  broken.skip = {4};
  EXPECT_THROW(SkipNetwork(broken, random), OptionError);
}

}  // namespace
}  // namespace zsr::dip
