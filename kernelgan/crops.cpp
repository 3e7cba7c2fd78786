#include "kernelgan/crops.h"

#include "degradations/filter.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::kernelgan {
namespace {

torch::Tensor box(int64_t side) {
  return torch::full({side, side}, 1.0 / static_cast<double>(side * side), torch::kFloat64);
}

// Central differences, one-sided at the ends (numpy.gradient).
torch::Tensor derivative(const torch::Tensor& plane, int64_t dim) {
  const int64_t n = plane.size(dim);
  const torch::Tensor middle = 0.5 * (plane.slice(dim, 2) - plane.slice(dim, 0, n - 2));
  const torch::Tensor first = plane.slice(dim, 1, 2) - plane.slice(dim, 0, 1);
  const torch::Tensor last = plane.slice(dim, n - 1) - plane.slice(dim, n - 2, n - 1);
  return torch::cat({first, middle, last}, dim);
}

torch::Tensor clipped(const torch::Tensor& map) {
  constexpr double kPercentile = 0.97;
  const auto place = static_cast<int64_t>(kPercentile * static_cast<double>(map.numel()));
  const double limit = std::get<0>(map.reshape({-1}).kthvalue(std::max<int64_t>(1, place))).item<double>();
  return limit > 0.0 ? map.clamp_max(limit) / limit : torch::zeros_like(map);
}

}  // namespace

torch::Tensor gradient_map(const torch::Tensor& image) {
  const torch::Tensor rgb = image[0].to(torch::kFloat32);
  const torch::Tensor gray = rgb.size(0) == 3 ? rgb[0] * 0.2125F + rgb[1] * 0.7154F + rgb[2] * 0.0721F : rgb[0];
  const torch::Tensor dx = derivative(gray, 1);
  const torch::Tensor dy = derivative(gray, 0);
  const torch::Tensor length = (dx.square() + dy.square()).sqrt();
  const torch::Tensor sum = clipped(dx.abs()) + clipped(dy.abs()) + clipped(length);
  constexpr int64_t kWindow = 5;
  return correlate(sum.unsqueeze(0).unsqueeze(0), box(kWindow), {}, Border::kSymmetric)[0][0];
}

CropSampler::CropSampler(const torch::Tensor& map, int64_t side)
    : side_(side), height_(map.size(0)), width_(map.size(1)) {
  // A patch counts by the map around its centre; centres nearer to the edge than half a patch do not occur.
  const torch::Tensor around =
      correlate(map.to(torch::kFloat32).unsqueeze(0).unsqueeze(0), box(side / 2), {}, Border::kZero)[0][0].contiguous();
  torch::Tensor allowed = torch::zeros_like(around);
  const int64_t half = side / 2;
  allowed.slice(0, half, height_ - half + 1).slice(1, half, width_ - half + 1).fill_(1.0);
  torch::Tensor weight = (around * allowed).to(torch::kFloat64).reshape({-1});
  if (!(weight.sum().item<double>() > 0.0)) weight = allowed.to(torch::kFloat64).reshape({-1});
  const torch::Tensor sums = weight.cumsum(0).contiguous();
  cumulative_.assign(sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel());
}

std::array<int64_t, 2> CropSampler::draw(Random& random) const {
  const double wanted = random.uniform() * cumulative_.back();
  const auto place = std::upper_bound(cumulative_.begin(), cumulative_.end(), wanted) - cumulative_.begin();
  const auto index = std::min<int64_t>(place, static_cast<int64_t>(cumulative_.size()) - 1);
  const auto corner = [&](int64_t center, int64_t length) {
    const int64_t first = std::clamp<int64_t>(center - side_ / 2, 0, length - side_);
    return first - first % 2;
  };
  return {corner(index / width_, height_), corner(index % width_, width_)};
}

}  // namespace zsr::kernelgan
