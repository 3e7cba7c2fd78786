#include "inference/demosaic.h"

#include "core/error.h"
#include "image/resize.h"
#include "networks/demosaic.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::inference {
namespace {

constexpr int64_t kTile = 512;  // pixels a side, even

// Rows and columns to put in front of a mosaic, so that it begins as the network was trained.
struct Shift {
  int64_t y = 0;
  int64_t x = 0;
};

Shift shift_to_rggb(const raw::MosaicPattern& pattern) {
  for (const int64_t y : {0, 1}) {
    for (const int64_t x : {0, 1}) {
      if (pattern.shifted(-y, -x).name() == "RGGB") return {y, x};
    }
  }
  throw OptionError(fmt::format("a demosaicing network takes Bayer mosaics, not {}", pattern.name()));
}

}  // namespace

raw::Rgb demosaic(const raw::Mosaic& mosaic, const networks::Network& network) {
  const networks::Traits& traits = network.traits();
  if (traits.condition != networks::Condition::kMosaic) {
    throw OptionError(fmt::format("{} is no demosaicing network; 'zsr train demosaic' makes one", network.origin()));
  }
  const torch::NoGradGuard no_grad;
  const int64_t scale = traits.scales.front();
  const Shift shift = shift_to_rggb(mosaic.pattern);
  const torch::Tensor seen = networks::mosaic_input(mosaic, raw::demosaic(mosaic));
  const int64_t height = mosaic.values.height;
  const int64_t width = mosaic.values.width;
  // Around the mosaic, mirrored: networks take what is outside for black. Mirroring keeps the phase.
  const int64_t halo = (std::max<int64_t>(traits.reach, 8) + 1) / 2 * 2;
  // A mirror shows at most all other pixels, and the shift takes one of them.
  const int64_t margin = std::min(halo, (std::min(height, width) - 2) / 2 * 2);
  const auto factor = static_cast<double>(scale);
  if (margin < 2) return networks::rgb_of(imresize(seen.slice(1, 0, 3), {factor, factor}));
  const int64_t before_y = margin + shift.y;
  const int64_t before_x = margin + shift.x;
  // Even sides: the network sees pixels in groups of 2 x 2.
  const torch::Tensor around = torch::reflection_pad2d(
      seen, {before_x, margin - (before_x + width) % 2, before_y, margin - (before_y + height) % 2});
  torch::Tensor result = torch::empty({1, 3, scale * height, scale * width}, torch::kFloat32);
  for (int64_t top = 0; top < height; top += kTile) {
    for (int64_t left = 0; left < width; left += kTile) {
      // Pixel (y, x) of the photo stands at (y + before_y, x + before_x); tiles begin and end at even places.
      const int64_t h = std::min(kTile, height - top);
      const int64_t w = std::min(kTile, width - left);
      const int64_t first_row = std::max<int64_t>(0, top + margin - halo);
      const int64_t first_column = std::max<int64_t>(0, left + margin - halo);
      const int64_t last_row = std::min(around.size(2), (top + h + before_y + halo + 1) / 2 * 2);
      const int64_t last_column = std::min(around.size(3), (left + w + before_x + halo + 1) / 2 * 2);
      const torch::Tensor part = around.slice(2, first_row, last_row).slice(3, first_column, last_column).contiguous();
      networks::Input input{part.slice(1, 0, 3).contiguous(), scale};
      input.maps = part.slice(1, 3);
      const torch::Tensor made = network.forward(input);
      result.narrow(2, scale * top, scale * h)
          .narrow(3, scale * left, scale * w)
          .copy_(made.narrow(2, scale * (top + before_y - first_row), scale * h)
                     .narrow(3, scale * (left + before_x - first_column), scale * w));
    }
  }
  return networks::rgb_of(result);
}

}  // namespace zsr::inference
