// A photo through a network from SDR to HDR, colours included, against tests/golden/hdr_family.py.
#include "image/photo.h"
#include "inference/enlarge.h"
#include "networks/registry.h"
#include "tests/golden/golden.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::inference {
namespace {

TEST(HdrNetworkOnPhoto, GivesTheColoursOfTheReference) {
  test::expect_golden_family("hdr_photo", [](const WeightsFile& weights, const auto&, const nlohmann::json& settings) {
    const auto network = networks::recognise(weights)->build(weights);
    const torch::Tensor photo = quantize(test::golden_tensor(settings.at("image")));
    return enlarge(photo, *network, {.scale = {2.0, 2.0}}).image;
  });
}

}  // namespace
}  // namespace zsr::inference
