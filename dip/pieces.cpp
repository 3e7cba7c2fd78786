#include "dip/pieces.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::dip {
namespace {

// Beginnings along one side.
std::vector<int64_t> beginnings(int64_t length, int64_t side, int64_t overlap, int64_t unit) {
  if (side <= 0 || length <= side) return {0};
  const int64_t count = (length - overlap + side - overlap - 1) / (side - overlap);
  std::vector<int64_t> begins;
  for (int64_t i = 0; i < count; ++i) begins.push_back((length - side) * i / (count - 1) / unit * unit);
  return begins;
}

// 1 in the middle, falling to nearly 0 at both ends.
torch::Tensor ramp(int64_t length) {
  const torch::Tensor place = torch::arange(length, torch::kFloat32) + 0.5;
  return torch::minimum(place, static_cast<double>(length) - place);
}

}  // namespace

std::vector<Piece> cut(int64_t height, int64_t width, int64_t side, int64_t overlap, int64_t unit) {
  const int64_t whole = side / unit * unit;
  std::vector<Piece> pieces;
  for (const int64_t y : beginnings(height, whole, overlap, unit)) {
    for (const int64_t x : beginnings(width, whole, overlap, unit)) {
      pieces.push_back(
          {y, x, whole > 0 ? std::min(height, whole) : height, whole > 0 ? std::min(width, whole) : width});
    }
  }
  return pieces;
}

Blend::Blend(int64_t channels, int64_t height, int64_t width)
    : sum_(torch::zeros({1, channels, height, width})), weight_(torch::zeros({1, 1, height, width})) {}

void Blend::add(const torch::Tensor& image, const Piece& piece) {
  const torch::Tensor weight =
      torch::outer(ramp(piece.height), ramp(piece.width)).view({1, 1, piece.height, piece.width});
  const auto place = [&](torch::Tensor& whole) {
    return whole.slice(2, piece.y, piece.y + piece.height).slice(3, piece.x, piece.x + piece.width);
  };
  place(sum_).add_(image * weight);
  place(weight_).add_(weight);
}

torch::Tensor Blend::image() const {
  return sum_ / weight_;
}

}  // namespace zsr::dip
