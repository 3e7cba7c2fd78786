// Flat pictures through every network that comes with zsr.
#include "inference/enlarge.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <string>

namespace zsr::networks {
namespace {

struct Flatness {
  double border = 0.0;  // largest difference from what the middle pixel of the photo becomes, in levels
  double middle = 0.0;  // largest difference of that from the picture
};

Flatness flatness(const Network& network, int64_t scale, double level) {
  const torch::Tensor photo = torch::full({1, 3, 24, 20}, level / 255.0);
  inference::Options options;
  options.scale = {static_cast<double>(scale), static_cast<double>(scale)};
  const torch::Tensor made = 255.0 * inference::enlarge(photo, network, options).image;
  const torch::Tensor middle =
      made.slice(2, made.size(2) / 2, made.size(2) / 2 + scale).slice(3, made.size(3) / 2, made.size(3) / 2 + scale);
  return {(made - middle.repeat({1, 1, photo.size(2), photo.size(3)})).abs().max().item<double>(),
          (middle - level).abs().max().item<double>()};
}

class Margin : public testing::TestWithParam<const char*> {};

TEST_P(Margin, FlatPicturesStayFlat) {
  const WeightsFile weights = shipped_weights(GetParam());
  const auto network = recognise(weights)->build(weights);
  // The network for detail draws a faint pattern everywhere; it is used blended, at 0.3 unless asked for more.
  const double most = GetParam() == std::string("restorer-detail") ? 2.5 : 1.0;
  for (const int64_t scale : network->traits().scales) {
    for (const double level : {0.0, 128.0, 255.0}) {
      const Flatness found = flatness(*network, scale, level);
      EXPECT_LE(found.border, 1.0) << "x" << scale << ", " << level;
      EXPECT_LE(found.middle, most) << "x" << scale << ", " << level;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, Margin,
                         testing::Values("edsr-light-x2", "edsr-light-x3", "edsr-light-x4", "restorer",
                                         "restorer-detail"),
                         [](const auto& name) {
                           std::string text = name.param;
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text;
                         });

// Without it the result is that of the network alone.
TEST(MarginOff, IsThePublishedNetwork) {
  const WeightsFile weights = shipped_weights("edsr-light-x2");
  const auto network = recognise(weights)->build(weights);
  const torch::Tensor photo = test::texture(3, 30, 34).to(torch::kFloat32);
  const torch::Tensor made = inference::enlarge(photo, *network, {.margin = 0}).image;
  EXPECT_LT(test::max_difference(made, network->forward({photo, 2}).clamp(0.0, 1.0)), 1e-6);
}

}  // namespace
}  // namespace zsr::networks
