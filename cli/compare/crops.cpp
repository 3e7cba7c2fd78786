#include "cli/compare/crops.h"

#include "image/color.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::cli {

std::vector<Crop> crops_of_difference(const std::vector<MethodResult>& results, int64_t side, size_t count) {
  std::vector<torch::Tensor> lumas;
  for (const MethodResult& result : results) {
    if (result.image.defined()) lumas.push_back(luma(result.image));
  }
  if (lumas.size() < 2) return {};
  const int64_t height = lumas[0].size(2);
  const int64_t width = lumas[0].size(3);
  const int64_t own = std::min({side, height, width});
  const torch::Tensor spread = torch::stack(lumas).var(0, false);
  torch::Tensor score = torch::avg_pool2d(spread, {own, own}, {1, 1})[0][0].contiguous();
  std::vector<Crop> crops;
  while (crops.size() < count) {
    const int64_t at = score.argmax().item<int64_t>();
    const int64_t y = at / score.size(1);
    const int64_t x = at % score.size(1);
    if (score[y][x].item<double>() <= 0.0) break;
    crops.push_back({x, y, own});
    score.slice(0, std::max<int64_t>(0, y - own), y + own).slice(1, std::max<int64_t>(0, x - own), x + own).fill_(0.0);
  }
  return crops;
}

}  // namespace zsr::cli
