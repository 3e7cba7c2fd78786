#pragma once

#include "networks/registry.h"
#include "nn/model.h"

#include <torch/types.h>

namespace zsr::networks {

/// A trained network that is its graph and its values.
class GraphNetwork : public Network {
 public:
  /// Throws InputError with the first differences where `weights` do not fit.
  GraphNetwork(const Kind& kind, const Config& config, const WeightsFile& weights);
  torch::Tensor forward(const Input& input) const override;

 private:
  nn::Model model_;
  torch::Tensor parameters_;
};

}  // namespace zsr::networks
