#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::nn {

struct WindowAttention;

/// Attention inside windows of `image` [N, 3 C, H, W], sides that the window's side divides: [N, C, H, W].
torch::Tensor attend(const WindowAttention& op, const torch::Tensor& image, const torch::Tensor& table);

/// The row of the table for a query pixel and a key pixel of a window: int64 [side^2, side^2].
torch::Tensor relative_positions(int64_t side);

}  // namespace zsr::nn
