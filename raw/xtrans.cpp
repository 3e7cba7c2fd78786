#include "raw/tiles.h"

#include <array>
#include <cmath>

namespace zsr::raw {
namespace {

constexpr int64_t kWindowReach = 3;  // pixels to each side that a missing sample is made of
constexpr int64_t kWindowSide = 2 * kWindowReach + 1;

// Weights by distance, without the centre.
std::array<float, kWindowSide * kWindowSide> distance_weights() {
  std::array<float, kWindowSide * kWindowSide> weights{};
  for (int64_t dy = -kWindowReach; dy <= kWindowReach; ++dy) {
    for (int64_t dx = -kWindowReach; dx <= kWindowReach; ++dx) {
      const auto squared = static_cast<float>(dy * dy + dx * dx);
      weights[static_cast<size_t>((dy + kWindowReach) * kWindowSide + dx + kWindowReach)] = std::exp(-squared / 2.4F);
    }
  }
  return weights;
}

// How much `guide` changes on the way from `from` to `to`.
float way(const Plane& guide, int64_t y, int64_t x, int64_t dy, int64_t dx) {
  const float total = guide.row(y + dy)[x + dx] - guide.row(y)[x];
  return std::abs(total);
}

// Fills `out` where `known` says no, as a mean of what is known around it: the nearer and the more alike in the guide,
// the heavier.
template <typename Known>
void fill(Plane& out, const Plane& guide, const Known& known) {
  static const std::array<float, kWindowSide* kWindowSide> kNear = distance_weights();
  constexpr float kAlike = 0.02F;  // a change of the guide that halves the weight
  const Plane in = out;
  for (int64_t y = kWindowReach; y < out.height - kWindowReach; ++y) {
    for (int64_t x = kWindowReach; x < out.width - kWindowReach; ++x) {
      if (known(y, x)) continue;
      float sum = 0.0F;
      float weight = 0.0F;
      for (int64_t dy = -kWindowReach; dy <= kWindowReach; ++dy) {
        for (int64_t dx = -kWindowReach; dx <= kWindowReach; ++dx) {
          if (!known(y + dy, x + dx)) continue;
          const float change = way(guide, y, x, dy, dx);
          const float w = kNear[static_cast<size_t>((dy + kWindowReach) * kWindowSide + dx + kWindowReach)] * kAlike /
                          (kAlike + change);
          if (!(w > 0.0F)) continue;  // NaN: outside
          sum += w * in.row(y + dy)[x + dx];
          weight += w;
        }
      }
      if (weight > 0.0F) out.row(y)[x] = sum / weight;
    }
  }
}

// A first luminance: the mean of all samples, each colour with the same share, over a small window.
Plane rough_luminance(const Plane& tile, const MosaicPattern& pattern) {
  Plane result(tile.height, tile.width);
  for (int64_t y = kWindowReach; y < tile.height - kWindowReach; ++y) {
    for (int64_t x = kWindowReach; x < tile.width - kWindowReach; ++x) {
      std::array<float, 3> sum{};
      std::array<float, 3> weight{};
      for (int64_t dy = -2; dy <= 2; ++dy) {
        for (int64_t dx = -2; dx <= 2; ++dx) {
          const float value = tile.row(y + dy)[x + dx];
          if (std::isnan(value)) continue;
          const auto color = static_cast<size_t>(pattern.color(y + dy, x + dx));
          const float w = 1.0F / static_cast<float>(1 + dy * dy + dx * dx);
          sum[color] += w * value;
          weight[color] += w;
        }
      }
      float total = 0.0F;
      float colors = 0.0F;
      for (size_t c = 0; c < 3; ++c) {
        if (weight[c] <= 0.0F) continue;
        total += sum[c] / weight[c];
        colors += 1.0F;
      }
      result.row(y)[x] = colors > 0.0F ? total / colors : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return result;
}

}  // namespace

void demosaic_xtrans_tile(const Plane& tile, const MosaicPattern& pattern, Rgb& result) {
  const auto is = [&](int color) {
    return [&, color](int64_t y, int64_t x) { return pattern.color(y, x) == color && !std::isnan(tile.row(y)[x]); };
  };
  result[1] = tile;
  fill(result[1], rough_luminance(tile, pattern), is(1));
  for (const size_t c : {size_t{0}, size_t{2}}) {
    Plane difference(tile.height, tile.width);
    for (size_t i = 0; i < tile.values.size(); ++i) difference.values[i] = tile.values[i] - result[1].values[i];
    fill(difference, result[1], is(static_cast<int>(c)));
    result[c] = difference;
    for (size_t i = 0; i < tile.values.size(); ++i) result[c].values[i] += result[1].values[i];
  }
}

}  // namespace zsr::raw
