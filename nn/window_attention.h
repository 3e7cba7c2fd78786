#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::nn {

struct WindowAttention;

/// Attention inside windows of `image` [N, 3 C, H, W], sides that the window's side divides: [N, C, H, W].
torch::Tensor attend(const WindowAttention& op, const torch::Tensor& image, const torch::Tensor& table);

/// Windows of rows x columns pixels that begin `shift_rows` and `shift_columns` further down and right.
struct Rectangles {
  int64_t rows = 8;
  int64_t columns = 8;
  int64_t shift_rows = 0;
  int64_t shift_columns = 0;
};

/// The same inside rectangles, which divide the sides. `bias` [heads, rows * columns, rows * columns] is added to the
/// products of queries and keys.
torch::Tensor attend_in_rectangles(const torch::Tensor& image, const torch::Tensor& bias, const Rectangles& windows);

/// The row of a table [(2 rows - 1) (2 columns - 1), ...] for a query pixel and a key pixel of a window:
/// int64 [rows * columns, rows * columns].
torch::Tensor relative_positions(int64_t rows, int64_t columns);

}  // namespace zsr::nn
