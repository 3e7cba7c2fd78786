// The skip network against outputs that tests/golden/make.py computed in NumPy.
#include "tests/golden/golden.h"

#include "dip/skip_network.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::dip {
namespace {

SkipSpec spec_of(const nlohmann::json& facts) {
  SkipSpec spec;
  spec.inputs = facts.at("inputs");
  spec.outputs = facts.at("outputs");
  spec.down = facts.at("down").get<std::vector<int64_t>>();
  spec.up = facts.at("up").get<std::vector<int64_t>>();
  spec.skip = facts.at("skip").get<std::vector<int64_t>>();
  spec.down_filter = facts.at("down_filter");
  spec.bilinear = facts.at("bilinear");
  spec.point_wise_up = facts.at("point_wise_up");
  spec.non_local = facts.at("non_local");
  return spec;
}

// Puts the tensors of a file, named "level.layer.tensor", where the layout has them.
class Filler {
 public:
  Filler(const WeightsFile& file, torch::Tensor flat) : file_(file), flat_(std::move(flat)) {}

  void fill(const Slice& slice, const std::string& name) {
    if (slice.shape.empty()) return;
    slice.of(flat_).copy_(file_.take(name, slice.shape));
    ++filled_;
  }
  void fill(const LayerSlices& layer, const std::string& name) {
    fill(layer.weight, name + ".weight");
    fill(layer.bias, name + ".bias");
    fill(layer.gain, name + ".gain");
    fill(layer.shift, name + ".shift");
  }
  void fill(const NonLocalSlices& block, const std::string& name) {
    fill(block.value, name + ".value.weight");
    fill(block.value_bias, name + ".value.bias");
    fill(block.key, name + ".key.weight");
    fill(block.key_bias, name + ".key.bias");
    fill(block.query, name + ".query.weight");
    fill(block.query_bias, name + ".query.bias");
    fill(block.back, name + ".back");
  }
  void fill(const SkipLayout& layout) {
    for (size_t i = 0; i < layout.levels.size(); ++i) {
      const LevelSlices& level = layout.levels[i];
      const std::string name = std::to_string(i);
      fill(level.skip, name + ".skip");
      fill(level.down, name + ".down");
      fill(level.non_local, name + ".non_local");
      fill(level.second, name + ".second");
      fill(level.joint_gain, name + ".joint.gain");
      fill(level.joint_shift, name + ".joint.shift");
      fill(level.up, name + ".up");
      fill(level.point, name + ".point");
    }
    fill(layout.last, "last.weight");
    fill(layout.last_bias, "last.bias");
    EXPECT_EQ(filled_, file_.tensors.size());
  }

 private:
  const WeightsFile& file_;
  torch::Tensor flat_;
  size_t filled_ = 0;
};

TEST(SkipNetworkGolden, Outputs) {
  test::expect_golden_family(
      "dip", [](const WeightsFile& weights, const nlohmann::json& network, const nlohmann::json& settings) {
        Random random(0);
        const SkipNetwork made(spec_of(network.at("spec")), random);
        const torch::NoGradGuard no_grad;
        Filler(weights, made.parameters()).fill(made.layout());
        const torch::Tensor noise = test::golden_tensor(settings.at("image"));
        const torch::Tensor output = made.forward(noise);
        const torch::Tensor exact =
            made.by_torch(noise.to(torch::kFloat64), made.parameters().detach().to(torch::kFloat64));
        EXPECT_LT(test::max_difference(output, exact), 1e-4);
        return output;
      });
}

}  // namespace
}  // namespace zsr::dip
