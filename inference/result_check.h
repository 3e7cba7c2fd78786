#pragma once

#include <torch/types.h>

#include <string>

namespace zsr::inference {

/// One line that names `weights` where `result` ([1, C, H, W]), which they made of `photo` ([1, C, h, w], both in
/// [0, 1]), cannot be right: flat where the photo is not, or another picture when made smaller again. Else empty.
std::string doubt_about(const torch::Tensor& photo, const torch::Tensor& result, const std::string& weights);

}  // namespace zsr::inference
