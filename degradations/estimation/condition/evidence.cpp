#include "degradations/estimation/condition/evidence.h"

#include <algorithm>

namespace zsr::condition {
namespace {

constexpr int64_t kSide = 256;

Plane to_plane(const torch::Tensor& levels) {
  const torch::Tensor flat = levels.contiguous();
  Plane plane{.height = flat.size(0), .width = flat.size(1), .values = {}};
  const float* const from = flat.data_ptr<float>();
  plane.values.assign(from, from + flat.numel());
  return plane;
}

// Where `count` crops of `side` pixels begin along an axis of `size`, evenly spread, at multiples of 8.
std::vector<int64_t> starts(int64_t size, int64_t side) {
  const int64_t count = std::min<int64_t>(3, (size + side - 1) / side);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = count == 1 ? 0 : i * (size - side) / (count - 1);
    places.push_back(place / 8 * 8);
  }
  return places;
}

Crop cut(const torch::Tensor& image, int64_t y, int64_t x, int64_t height, int64_t width) {
  const torch::Tensor levels = image[0]
                                   .slice(1, y, y + height)
                                   .slice(2, x, x + width)
                                   .to(torch::kCPU, torch::kFloat32)
                                   .clamp(0.0, 1.0)
                                   .mul(255.0);
  Crop crop;
  if (levels.size(0) == 1) {
    crop.luma = to_plane(levels[0]);
    return crop;
  }
  const torch::Tensor luma = levels[0] * 0.299 + levels[1] * 0.587 + levels[2] * 0.114;
  crop.luma = to_plane(luma);
  crop.red = to_plane(levels[0] - luma);
  crop.blue = to_plane(levels[2] - luma);
  return crop;
}

// Gray photos that are stored in three channels have no colour to look at.
void drop_empty_color(std::vector<Crop>& crops) {
  const auto none = [](const Plane& plane) {
    return std::all_of(plane.values.begin(), plane.values.end(), [](float v) { return std::abs(v) < 0.01F; });
  };
  if (!std::all_of(crops.begin(), crops.end(), [&](const Crop& c) { return none(c.red) && none(c.blue); })) return;
  for (Crop& crop : crops) crop.red = crop.blue = {};
}

}  // namespace

Evidence gather_evidence(const torch::Tensor& image) {
  Evidence found;
  found.height = image.size(2);
  found.width = image.size(3);
  const int64_t height = std::min(kSide, found.height);
  const int64_t width = std::min(kSide, found.width);
  std::vector<Crop> crops;
  for (const int64_t y : starts(found.height, height)) {
    for (const int64_t x : starts(found.width, width)) crops.push_back(cut(image, y, x, height, width));
  }
  drop_empty_color(crops);
  found.coloured = !crops[0].red.values.empty();
  found.few_colours = share_of_few_colours(crops);
  found.blocks = measure_block_noise(crops);
  constexpr int64_t kSmallest = 32;
  if (std::min(height, width) < kSmallest) return found;
  found.grid = measure_block_grid(crops);
  found.periods = measure_periodicity(crops);
  found.edges = measure_edges(crops);
  found.spectrum = measure_spectrum(crops);
  const Plane& best = crops[found.grid.best_crop].luma;
  const torch::Tensor luma =
      torch::from_blob(const_cast<float*>(best.values.data()), {1, 1, best.height, best.width}, torch::kFloat32)
          .div(255.0);
  found.jpeg = jpeg_quality_of_pixels(luma);
  const Plane& middle = crops[crops.size() / 2].luma;
  found.noise_everywhere = estimate_noise(
      torch::from_blob(const_cast<float*>(middle.values.data()), {1, 1, middle.height, middle.width}, torch::kFloat32)
          .div(255.0));
  return found;
}

}  // namespace zsr::condition
