#pragma once

#include "nn/optim/flat_adam.h"
#include "nn/optim/muon.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr {

/// Adam over one flat tensor of parameters but for the matrices that Muon steps; with no matrices it is Adam alone.
class MixedOptimizer {
 public:
  struct Settings {
    double beta1 = 0.9;      ///< In [0, 1). Of Adam.
    double beta2 = 0.999;    ///< In [0, 1). Of Adam.
    double momentum = 0.95;  ///< In [0, 1). Of Muon.
    /// >= 0. Each of Muon's steps takes this share, times its rate, off its matrices. Its updates are of one length
    /// however small the gradient is: over ten thousands of steps the matrices would walk away without.
    double decay = 0.0;
  };
  /// `matrices` in rising order of their offsets, not overlapping.
  MixedOptimizer(int64_t count, std::vector<MatrixSlice> matrices, torch::Device device, const Settings& settings);

  /// One step on `parameters` (flat float32, contiguous, changed in place) along `gradient`.
  void step(torch::Tensor parameters, const torch::Tensor& gradient, double adam_rate, double muon_rate);
  /// Forgets everything.
  void reset();

  /// All that a later run needs to go on exactly, names beginning with `prefix`.
  std::vector<NamedTensor> state(const std::string& prefix) const;
  /// Takes it back. Throws InputError when `file` lacks a part or has it in another shape.
  void load_state(const WeightsFile& file, const std::string& prefix);

 private:
  // What no matrix covers.
  struct Rest {
    int64_t begin;
    int64_t count;
    FlatAdam adam;
  };
  std::vector<MatrixSlice> matrices_;
  double decay_;
  Muon muon_;
  std::vector<Rest> rest_;
};

}  // namespace zsr
