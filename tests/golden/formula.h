#pragma once

#include <torch/types.h>

#include <string_view>
#include <vector>

namespace zsr::test {

/// offset + scale * u as float32, u multiples of 2^-23 in [-1, 1): the top 24 bits of splitmix64, seeded with the
/// FNV-1a hash of `name`. The same numbers as `tensor` in formula.py; `scale` and `offset` are taken as float32.
torch::Tensor formula_tensor(std::string_view name, const std::vector<int64_t>& shape, double scale, double offset);

}  // namespace zsr::test
