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

// [1, h, w, 1, side^2, side^2] for h x w windows: what is added where the shift has brought distant pixels together.
torch::Tensor mask_of(const WindowAttention& op, int64_t height, int64_t width) {
  const torch::Tensor regions =
      3 * stretches(height, op.side, op.shift).view({-1, 1}) + stretches(width, op.side, op.shift).view({1, -1});
  const torch::Tensor windows = regions.view({height / op.side, op.side, width / op.side, op.side})
                                    .permute({0, 2, 1, 3})
                                    .reshape({height / op.side, width / op.side, op.side * op.side});
  const torch::Tensor apart = windows.unsqueeze(3) != windows.unsqueeze(2);
  return (apart.to(torch::kFloat64) * kApart).unsqueeze(2).unsqueeze(0);
}

}  // namespace

torch::Tensor relative_positions(int64_t side) {
  const torch::Tensor places = torch::arange(side * side, torch::kInt64);
  const torch::Tensor rows = torch::floor_divide(places, side);
  const torch::Tensor columns = places - rows * side;
  const torch::Tensor down = rows.view({-1, 1}) - rows.view({1, -1}) + side - 1;
  const torch::Tensor right = columns.view({-1, 1}) - columns.view({1, -1}) + side - 1;
  return down * (2 * side - 1) + right;
}

torch::Tensor attend(const WindowAttention& op, const torch::Tensor& image, const torch::Tensor& table) {
  const int64_t count = image.size(0);
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const int64_t pixels = op.side * op.side;
  const int64_t depth = image.size(1) / (3 * op.heads);
  const torch::Tensor x = op.shift > 0 ? image.roll({-op.shift, -op.shift}, {2, 3}) : image;
  // [3, N, h, w, heads, side^2, depth]
  const torch::Tensor parts =
      x.reshape({count, 3, op.heads, depth, height / op.side, op.side, width / op.side, op.side})
          .permute({1, 0, 4, 6, 2, 5, 7, 3})
          .reshape({3, count, height / op.side, width / op.side, op.heads, pixels, depth});
  const torch::Tensor bias = table.index_select(0, relative_positions(op.side).flatten().to(table.device()))
                                 .view({pixels, pixels, op.heads})
                                 .permute({2, 0, 1});
  torch::Tensor scores =
      torch::matmul(parts[0] / std::sqrt(static_cast<double>(depth)), parts[1].transpose(-2, -1)) + bias;
  if (op.shift > 0) scores = scores + mask_of(op, height, width).to(scores.options());
  // [N, h, w, heads, side, side, depth]
  const torch::Tensor made = torch::matmul(torch::softmax(scores, -1), parts[2])
                                 .view({count, height / op.side, width / op.side, op.heads, op.side, op.side, depth})
                                 .permute({0, 3, 6, 1, 4, 2, 5})
                                 .reshape({count, op.heads * depth, height, width});
  return op.shift > 0 ? made.roll({op.shift, op.shift}, {2, 3}) : made;
}

}  // namespace zsr::nn
