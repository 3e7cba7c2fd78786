#pragma once

#include "degradations/kernel.h"

#include <torch/types.h>

namespace zsr::srmd {

/// SRMD was trained on photos that were blurred and then made smaller by imresize. A kernel as the rest of zsr means it
/// contains the whole way down. This finds the kernel that, standing before imresize, comes nearest to it: least
/// squares over all frequencies of the large photo, weighted with the power that photos have there (1 / f^2; what
/// aliases counts too), among kernels without negative weights. (The authors' demonstration of direct downsampling
/// takes a kernel found in such a way from its model file.)
class KernelBeforeImresize {
 public:
  static constexpr int64_t kSize = 15;  ///< Rows and columns of what is found.

  explicit KernelBeforeImresize(int64_t scale);

  /// [15, 15], about its middle: where `kernel` has its centre of mass is no part of it.
  BlurKernel operator()(const BlurKernel& kernel) const;

 private:
  torch::Tensor made_;  // what each weight gives at each frequency, [n, 225]
  torch::Tensor gram_;  // [225, 225]
};

}  // namespace zsr::srmd
