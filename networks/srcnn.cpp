#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <torch/types.h>

namespace zsr::networks {
namespace {

/// SRCNN (Dong, Loy, He and Tang, ECCV 2014; 9-1-5, 9-3-5 or 9-5-5): three convolutions on the cubically enlarged luma.
class Srcnn : public Network {
 public:
  explicit Srcnn(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "SRCNN");
    const int64_t wide = reader.size("conv1.weight", 0);
    const int64_t narrow = reader.size("conv2.weight", 0);
    const int64_t middle = reader.size("conv2.weight", 2);
    first_ = Conv(reader.conv("conv1", wide, 1, 9), Follow::relu());
    second_ = Conv(reader.conv("conv2", narrow, wide, middle), Follow::relu());
    third_ = Conv(reader.conv("conv3", 1, narrow, 5));
    reader.finish();
    traits_.channels = 1;
    traits_.reach = 4 + middle / 2 + 2;
    traits_.takes_enlarged = true;
  }

  torch::Tensor forward(const Input& input) const override { return third_(second_(first_(input.image))); }

 private:
  Conv first_, second_, third_;
};

}  // namespace

Kind srcnn() {
  return {"srcnn", "SRCNN (Dong et al. 2014)",
          [](const WeightsFile& weights) {
            const torch::Tensor* const first = weights.find("conv1.weight");
            return first != nullptr && first->dim() == 4 && first->size(1) == 1 && first->size(2) == 9 &&
                   weights.find("conv3.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Srcnn>(weights); }};
}

}  // namespace zsr::networks
