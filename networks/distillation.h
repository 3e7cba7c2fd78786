#pragma once

#include "networks/layers.h"
#include "networks/network.h"

#include <functional>
#include <vector>

namespace zsr::networks {

/// What IMDN and RFDN share: features of the photo, blocks one after another whose outputs are all gathered by a 1x1
/// convolution, the features added, a pixel shuffle.
class Distillation : public Network {
 public:
  torch::Tensor forward(const Input& input) const override;

 protected:
  /// Slope of their LeakyReLU.
  static constexpr double kLeak = 0.05;
  /// [1, width, h, w] to the same.
  using Block = std::function<torch::Tensor(const torch::Tensor&)>;

  Distillation() : Network({}) {}
  /// Takes the blocks and reads what stands around them. Throws InputError where shapes do not fit.
  void read_around(WeightsReader& reader, std::vector<Block> blocks, int64_t width);

  double range_ = 1.0;  ///< Colours of the network go from 0 to this.

 private:
  int64_t scale_ = 1;
  Conv first_;
  std::vector<Block> blocks_;
  Conv gather_, after_, last_;
};

}  // namespace zsr::networks
