#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::dip {

/// One piece of an image that is made piece by piece.
struct Piece {
  int64_t y = 0, x = 0, height = 0, width = 0;
};

/// Pieces of about `side` pixels and of one size, that share at least `overlap` with their neighbours and cover an
/// image of that size (multiples of `unit`, as all numbers of the pieces are). One piece where `side` is 0 or the image
/// no larger.
std::vector<Piece> cut(int64_t height, int64_t width, int64_t side, int64_t overlap, int64_t unit);

/// Joins pieces made one after the other; where they overlap each counts by its distance from its own border.
class Blend {
 public:
  Blend(int64_t channels, int64_t height, int64_t width);
  void add(const torch::Tensor& image, const Piece& piece);
  torch::Tensor image() const;

 private:
  torch::Tensor sum_, weight_;
};

}  // namespace zsr::dip
