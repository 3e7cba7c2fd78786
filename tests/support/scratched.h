#pragma once

#include <torch/types.h>

#include <cmath>

namespace zsr::test {

struct Scratched {
  torch::Tensor photo;
  torch::Tensor damage;  ///< [1, 1, h, w], 1 where something was drawn.
};

/// `photo` [1, C, h, w] with two long scratches of `value`, two pixels wide, one of them bent: steep and flat.
inline Scratched draw_scratches(const torch::Tensor& photo, double value) {
  Scratched made{photo.clone(), torch::zeros({1, 1, photo.size(2), photo.size(3)})};
  const int64_t height = photo.size(2);
  const int64_t width = photo.size(3);
  const auto paint = [&](int64_t y, int64_t x) {
    if (y < 0 || x < 0 || y >= height || x >= width) return;
    made.damage.index_put_({0, 0, y, x}, 1.0);
    made.photo.select(2, y).select(2, x).fill_(value);
  };
  for (int64_t y = height / 20; y < height * 19 / 20; ++y) {
    const auto t = static_cast<double>(y);
    const auto x = static_cast<int64_t>(0.22 * static_cast<double>(width) + 0.15 * t + 2.0 * std::sin(0.04 * t));
    paint(y, x);
    paint(y, x + 1);
  }
  for (int64_t x = width * 2 / 5; x < width * 19 / 20; ++x) {
    const int64_t y = height / 5 + x / 4;
    paint(y, x);
    paint(y + 1, x);
  }
  return made;
}

}  // namespace zsr::test
