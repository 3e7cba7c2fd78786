#include "restore/reaction.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr::restore {
namespace {

constexpr int64_t kCrop = 160;
constexpr int64_t kBlock = 8;

torch::Tensor crop_at(const torch::Tensor& photo, int64_t row, int64_t column) {
  const int64_t height = std::min(kCrop, photo.size(2));
  const int64_t width = std::min(kCrop, photo.size(3));
  // Thirds of what is left: near the corners, not at them.
  return photo.narrow(2, (photo.size(2) - height) * (1 + row) / 3, height)
      .narrow(3, (photo.size(3) - width) * (1 + column) / 3, width)
      .contiguous();
}

// Mean of squares of each whole 8x8 block, flat.
torch::Tensor block_means(const torch::Tensor& image) {
  return torch::avg_pool2d(image.mean(1, true), kBlock).flatten();
}

}  // namespace

Reaction react(const torch::Tensor& photo, const networks::Network& network) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor rgb = photo.to(torch::kFloat32).expand({1, 3, -1, -1});
  const bool rows = photo.size(2) > 3 * kCrop / 2;
  const bool columns = photo.size(3) > 3 * kCrop / 2;
  std::vector<torch::Tensor> squares;
  std::vector<torch::Tensor> gradients;
  double change = 0.0;
  double fine = 0.0;
  double count = 0.0;
  for (int64_t row = 0; row < (rows ? 2 : 1); ++row) {
    for (int64_t column = 0; column < (columns ? 2 : 1); ++column) {
      const torch::Tensor crop = crop_at(rgb, row, column);
      const torch::Tensor made = network.forward({.image = crop, .scale = 1}).clamp(0.0, 1.0);
      const torch::Tensor difference = (crop - made) * 255.0;
      change += difference.square().mean().item<double>();
      if (std::min(crop.size(2), crop.size(3)) < kBlock + 1) continue;
      fine += 0.5 * (difference.slice(3, 1) - difference.slice(3, 0, -1)).square().mean().item<double>();
      count += 1.0;
      squares.push_back(block_means(difference.square()));
      const torch::Tensor down = (made.slice(2, 1) - made.slice(2, 0, -1)).slice(3, 0, -1).abs();
      const torch::Tensor right = (made.slice(3, 1) - made.slice(3, 0, -1)).slice(2, 0, -1).abs();
      gradients.push_back(block_means(torch::constant_pad_nd(down + right, {0, 1, 0, 1})));
    }
  }
  Reaction reaction;
  const double crops = (rows ? 2.0 : 1.0) * (columns ? 2.0 : 1.0);
  reaction.change = std::sqrt(change / crops);
  if (count == 0.0) return reaction;
  reaction.fine_change = std::sqrt(fine / count);
  const torch::Tensor all = torch::cat(squares);
  const torch::Tensor gradient = torch::cat(gradients);
  const torch::Tensor flattest = std::get<1>(gradient.sort()).slice(0, 0, (gradient.size(0) + 1) / 2);
  reaction.flat_change = std::sqrt(all.index_select(0, flattest).mean().item<double>());
  reaction.texture = 255.0 * gradient.mean().item<double>();
  return reaction;
}

nlohmann::json to_json(const Reaction& reaction) {
  return {{"change", reaction.change},
          {"flat_change", reaction.flat_change},
          {"fine_change", reaction.fine_change},
          {"texture", reaction.texture}};
}

}  // namespace zsr::restore
