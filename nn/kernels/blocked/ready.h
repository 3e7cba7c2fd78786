#pragma once

#include "nn/kernels/blocked/layers.h"
#include "nn/kernels/blocked/rows.h"

#include <ATen/Parallel.h>

namespace zsr::blocked {

/// An epilogue and what its pointers lead to.
struct Layers::Ready {
  winograd::Epilogue epilogue;
  std::vector<torch::Tensor> held;
  std::vector<Image> images;
};

/// [..., channels] with zeros up to whole blocks.
torch::Tensor in_blocks(const torch::Tensor& values, int64_t channels);
/// A 1x1 convolution's weight [out, in, 1, 1] as [in, out up to whole blocks].
torch::Tensor input_major(const torch::Tensor& weight);
/// [channels, 1, side, side] as [blocks, side * side, 16].
torch::Tensor filters_in_blocks(const torch::Tensor& weight);

/// Row y of image n of what is made.
inline winograd::Row row_of(const Image& to, int64_t n, int64_t y, const winograd::Epilogue& epilogue) {
  winograd::Row row;
  row.image = to.values();
  row.offset = row_offset(to.shape, n, y);
  row.block_stride = to.shape.block_stride();
  row.blocks = to.shape.blocks();
  row.pixels = to.shape.width;
  if (epilogue.gain != nullptr) row.gain = epilogue.gain + n * to.shape.blocks() * kBlock;
  return row;
}

/// The sum of what body(row, sums) adds to `count` numbers. Each thread has fixed rows, so that the order of the sums,
/// and so the result, does not depend on which is faster.
template <typename Body>
torch::Tensor Layers::summed(int64_t rows, int64_t count, const Body& body) {
  const int64_t threads = std::clamp<int64_t>(rows / 4, 1, at::get_num_threads());
  torch::Tensor sums = torch::zeros({threads, count}, torch::kFloat32);
  float* const all = sums.data_ptr<float>();
  at::parallel_for(0, threads, 1, [&](int64_t first, int64_t last) {
    for (int64_t thread = first; thread < last; ++thread) {
      const int64_t end = rows * (thread + 1) / threads;
      for (int64_t row = rows * thread / threads; row < end; ++row) body(row, all + thread * count);
    }
  });
  return threads == 1 ? sums.view({count}) : sums.sum(0);
}

}  // namespace zsr::blocked
