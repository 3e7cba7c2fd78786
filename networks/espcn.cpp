#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <torch/types.h>

namespace zsr::networks {
namespace {

/// ESPCN (Shi et al., CVPR 2016): three convolutions with tanh on the small luma, then the first pixel shuffle. Names
/// of J. Yeo's code (yjn870).
class Espcn : public Network {
 public:
  explicit Espcn(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "ESPCN");
    const int64_t wide = reader.size("first_part.0.weight", 0);
    const int64_t narrow = reader.size("first_part.2.weight", 0);
    scale_ = reader.shuffle_factor("last_part.0", 1);
    first_ = Conv(reader.conv("first_part.0", wide, 1, 5));
    second_ = Conv(reader.conv("first_part.2", narrow, wide, 3));
    third_ = Conv(reader.conv("last_part.0", scale_ * scale_, narrow, 3));
    reader.finish();
    traits_.scales = {scale_};
    traits_.channels = 1;
    traits_.reach = 4;
  }

  torch::Tensor forward(const Input& input) const override {
    return torch::pixel_shuffle(third_(torch::tanh(second_(torch::tanh(first_(input.image))))), scale_);
  }

 private:
  Conv first_, second_, third_;
  int64_t scale_ = 1;
};

}  // namespace

Kind espcn() {
  return {"espcn", "ESPCN (Shi et al. 2016)",
          [](const WeightsFile& weights) {
            return weights.find("first_part.2.weight") != nullptr && weights.find("last_part.0.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Espcn>(weights); }};
}

}  // namespace zsr::networks
