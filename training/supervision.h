#pragma once

#include "networks/registry.h"
#include "training/network.h"

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace zsr::training {

/// Which results of a network are compared with the target.
struct SupervisionOptions {
  std::string results = "final";  ///< "final" or "all": those on the way too (networks::Supervision).
  int64_t steps = 0;              ///< >= 0. Supervision::kFalling: steps over which their weight falls; 0: half of all.
  /// Throws OptionError.
  void validate() const;
  bool all() const { return results == "all"; }
};

/// The weight of the results on the way in Supervision::kFalling at `step` of `steps` in all: from 1 at step 0 linearly
/// to 0, and 0 from there on. Differs from Kim et al. (CVPR 2016), who state that it falls but not how fast.
double companion_weight(const SupervisionOptions& options, int64_t step, int64_t steps);

/// The loss of one result against its target, both [N, C, H, W].
using ResultLoss = std::function<torch::Tensor(const torch::Tensor& made, const torch::Tensor& target)>;

/// The loss of all results as `rule` says: kEqual: Tai et al. (ICCV 2017), Li et al. (CVPR 2019); kFalling with
/// `weight`: Kim et al. (CVPR 2016), equations 5 to 7; kPixels: Lai et al. (CVPR 2017), whose sum over all pixels is a
/// mean here. `target` is the network's own, which imresize makes smaller for smaller results. The network's result
/// comes first; without others its loss is the whole.
torch::Tensor supervised_loss(networks::Supervision rule, double weight, const Network::Results& results,
                              const torch::Tensor& target, const ResultLoss& loss);

}  // namespace zsr::training
