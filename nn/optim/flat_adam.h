#pragma once

#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr {

/// Adam (Kingma and Ba 2015) over one flat tensor, in a single pass over memory on the CPU. Equals torch::optim::Adam
/// to rounding.
class FlatAdam {
 public:
  /// State for `count` values on `device`. `beta1`, `beta2` in [0, 1).
  FlatAdam(int64_t count, torch::Device device, double beta1, double beta2);

  /// parameters -= learning_rate * m / (sqrt(v) + 1e-8), both moments corrected for their start at zero. Both tensors
  /// flat float32, contiguous, of `count` values; `parameters` is changed in place.
  void step(torch::Tensor parameters, const torch::Tensor& gradient, double learning_rate);
  /// Forgets everything.
  void reset();

  /// The moments and the number of steps, names beginning with `prefix`.
  std::vector<NamedTensor> state(const std::string& prefix) const;
  /// Takes them back. Throws InputError.
  void load_state(const WeightsFile& file, const std::string& prefix);

 private:
  double beta1_;
  double beta2_;
  int64_t steps_ = 0;
  torch::Tensor first_;
  torch::Tensor second_;
};

}  // namespace zsr
