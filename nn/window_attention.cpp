#include "nn/window_attention.h"

#include "nn/operations.h"

#include <cmath>

namespace zsr::nn {
namespace {

constexpr double kApart = -100.0;  // as the published networks were trained

// Number of the stretch that each pixel of a shifted side belongs to; only pixels of one stretch were neighbours
// before.
torch::Tensor stretches(int64_t length, int64_t side, int64_t shift) {
  const torch::Tensor places = torch::arange(length, torch::kInt64);
  return (places >= length - side).to(torch::kInt64) + (places >= length - shift).to(torch::kInt64);
}

// [1, h, w, 1, P, P] for h x w windows of P pixels: what is added where the shift has brought distant pixels together.
torch::Tensor mask_of(const Rectangles& op, int64_t height, int64_t width) {
  const torch::Tensor regions = 3 * stretches(height, op.rows, op.shift_rows).view({-1, 1}) +
                                stretches(width, op.columns, op.shift_columns).view({1, -1});
  const torch::Tensor windows = regions.view({height / op.rows, op.rows, width / op.columns, op.columns})
                                    .permute({0, 2, 1, 3})
                                    .reshape({height / op.rows, width / op.columns, op.rows * op.columns});
  const torch::Tensor apart = windows.unsqueeze(3) != windows.unsqueeze(2);
  return (apart.to(torch::kFloat64) * kApart).unsqueeze(2).unsqueeze(0);
}

}  // namespace

torch::Tensor relative_positions(int64_t rows, int64_t columns) {
  const torch::Tensor places = torch::arange(rows * columns, torch::kInt64);
  const torch::Tensor row = torch::floor_divide(places, columns);
  const torch::Tensor column = places - row * columns;
  const torch::Tensor down = row.view({-1, 1}) - row.view({1, -1}) + rows - 1;
  const torch::Tensor right = column.view({-1, 1}) - column.view({1, -1}) + columns - 1;
  return down * (2 * columns - 1) + right;
}

torch::Tensor attend_in_rectangles(const torch::Tensor& image, const torch::Tensor& bias, const Rectangles& op) {
  const int64_t count = image.size(0);
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const int64_t heads = bias.size(0);
  const int64_t pixels = op.rows * op.columns;
  const int64_t depth = image.size(1) / (3 * heads);
  const bool shifted = op.shift_rows > 0 || op.shift_columns > 0;
  const torch::Tensor x = shifted ? image.roll({-op.shift_rows, -op.shift_columns}, {2, 3}) : image;
  // [3, N, h, w, heads, P, depth]
  const torch::Tensor parts =
      x.reshape({count, 3, heads, depth, height / op.rows, op.rows, width / op.columns, op.columns})
          .permute({1, 0, 4, 6, 2, 5, 7, 3})
          .reshape({3, count, height / op.rows, width / op.columns, heads, pixels, depth});
  torch::Tensor scores =
      torch::matmul(parts[0] / std::sqrt(static_cast<double>(depth)), parts[1].transpose(-2, -1)) + bias;
  if (shifted) scores = scores + mask_of(op, height, width).to(scores.options());
  // [N, h, w, heads, rows, columns, depth]
  const torch::Tensor made = torch::matmul(torch::softmax(scores, -1), parts[2])
                                 .view({count, height / op.rows, width / op.columns, heads, op.rows, op.columns, depth})
                                 .permute({0, 3, 6, 1, 4, 2, 5})
                                 .reshape({count, heads * depth, height, width});
  return shifted ? made.roll({op.shift_rows, op.shift_columns}, {2, 3}) : made;
}

torch::Tensor attend(const WindowAttention& op, const torch::Tensor& image, const torch::Tensor& table) {
  const int64_t pixels = op.side * op.side;
  const torch::Tensor places = relative_positions(op.side, op.side).flatten().to(table.device());
  const torch::Tensor bias = table.index_select(0, places).view({pixels, pixels, op.heads}).permute({2, 0, 1});
  return attend_in_rectangles(image, bias, {op.side, op.side, op.shift, op.shift});
}

}  // namespace zsr::nn
