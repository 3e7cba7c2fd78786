#pragma once

#include <torch/types.h>

#include <vector>

namespace zsr {

/// Element-wise median of 1 to 16 equally shaped float32 tensors; the mean of the two middle values for an even count,
/// as numpy.median (torch::median takes the lower one).
torch::Tensor median_of(const std::vector<torch::Tensor>& images);

}  // namespace zsr
