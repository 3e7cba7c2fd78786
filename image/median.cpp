#include "image/median.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <array>

namespace zsr {
namespace {

constexpr int64_t kLanes = 512;
constexpr size_t kMostImages = 16;

// Odd-even transposition sort of `count` rows, column by column; the inner loop is a vector min/max.
void sort_rows(std::array<std::array<float, kLanes>, kMostImages>& rows, size_t count) {
  for (size_t round = 0; round < count; ++round) {
    for (size_t i = round % 2; i + 1 < count; i += 2) {
      float* low = rows[i].data();
      float* high = rows[i + 1].data();
      for (int64_t k = 0; k < kLanes; ++k) {
        const float a = low[k];
        const float b = high[k];
        low[k] = a < b ? a : b;
        high[k] = a < b ? b : a;
      }
    }
  }
}

}  // namespace

torch::Tensor median_of(const std::vector<torch::Tensor>& images) {
  TORCH_CHECK(!images.empty() && images.size() <= kMostImages, "median_of takes 1 to 16 images");
  if (images.size() == 1) return images[0];
  const size_t count = images.size();
  if (!images[0].device().is_cpu()) {
    const torch::Tensor sorted = std::get<0>(torch::stack(images).sort(0));
    return (sorted[(count - 1) / 2] + sorted[count / 2]) * 0.5;
  }
  std::vector<torch::Tensor> inputs;
  for (const torch::Tensor& image : images) inputs.push_back(image.contiguous());
  torch::Tensor result = torch::empty_like(inputs[0]);
  float* out = result.data_ptr<float>();
  const int64_t total = result.numel();
  const int64_t blocks = (total + kLanes - 1) / kLanes;
  at::parallel_for(0, blocks, 16, [&](int64_t begin, int64_t end) {
    std::array<std::array<float, kLanes>, kMostImages> rows{};
    for (int64_t block = begin; block < end; ++block) {
      const int64_t start = block * kLanes;
      const int64_t length = std::min(kLanes, total - start);
      for (size_t i = 0; i < count; ++i) {
        std::copy_n(inputs[i].data_ptr<float>() + start, length, rows[i].data());
      }
      sort_rows(rows, count);
      for (int64_t k = 0; k < length; ++k) out[start + k] = 0.5F * (rows[(count - 1) / 2][k] + rows[count / 2][k]);
    }
  });
  return result;
}

}  // namespace zsr
