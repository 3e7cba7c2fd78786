#include "nn/kernels/winograd/convolver.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <atomic>

namespace zsr::winograd {
namespace {

// Tiles at a time, so that a block of transformed data and the transformed weights (590 KB for 64 x 64 channels) share
// a cache of 1 MB. Multiples of 12 suit the matrix product.
constexpr int64_t kForwardTiles = 12;
// Weights that no cache holds are better met by more tiles at once.
constexpr int64_t kManyForwardTiles = 36;
constexpr int64_t kLargeWeights = 250'000;
// The gradient of the weights goes through the positions in two halves: its sums then take half the cache.
constexpr int64_t kGradientTiles = 32;
constexpr int64_t kGradientHalves = 2;
// Distance between positions: not a multiple of the page, or all of them would meet in the same cache lines.
constexpr int64_t kPlanePadding = 16;

torch::Tensor floats(int64_t count) {
  return torch::empty({count}, torch::kFloat32);
}

float* grown(torch::Tensor& buffer, int64_t count) {
  if (!buffer.defined() || buffer.numel() < count) buffer = floats(count);
  return buffer.data_ptr<float>();
}

// Runs body(thread, begin, end) over blocks of `step` items, whichever thread is free taking the next one.
template <typename Body>
void share_blocks(int64_t items, int64_t step, const Body& body) {
  const int64_t blocks = (items + step - 1) / step;
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), blocks);
  std::atomic<int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t first, int64_t last) {
    for (int64_t thread = first; thread < last; ++thread) {
      for (int64_t block = next++; block < blocks; block = next++) {
        body(thread, block * step, std::min(items, (block + 1) * step));
      }
    }
  });
}

}  // namespace

// Buffers that each thread owns.
struct Convolver::Threads {
  struct Buffers {
    torch::Tensor in, out, sums, bias_sums;
  };
  std::vector<Buffers> each;

  std::vector<Buffers>& ready() {
    each.resize(std::max<size_t>(each.size(), static_cast<size_t>(at::get_num_threads())));
    return each;
  }
};

Convolver::Convolver(const Kernels& kernels) : kernels_(kernels), threads_(std::make_unique<Threads>()) {}

Convolver::~Convolver() = default;

void Convolver::convolve(const float* from, const ImageShape& from_shape, const torch::Tensor& weight, bool backward,
                         float* to, const ImageShape& to_shape, const Epilogue& epilogue) {
  run({{from, from_shape}}, weight, backward, to, to_shape, epilogue);
}

void Convolver::convolve(const std::vector<Source>& from, const torch::Tensor& weight, float* to,
                         const ImageShape& to_shape, const Epilogue& epilogue) {
  run(from, weight, false, to, to_shape, epilogue);
}

void Convolver::run(const std::vector<Source>& from, const torch::Tensor& weight, bool backward, float* to,
                    const ImageShape& to_shape, const Epilogue& epilogue) {
  int64_t depth = 0;
  int64_t in_row = 0;
  for (const Source& source : from) {
    depth += source.shape.channels;
    in_row += source.shape.blocks() * kBlock;
  }
  const int64_t columns = to_shape.blocks() * kBlock;
  float* weights = grown(transformed_weights_, kPositions * depth * columns);
  const float* plain = weight.data_ptr<float>();
  at::parallel_for(0, depth, 8, [&](int64_t begin, int64_t end) {
    kernels_.transform_weights(plain, weight.size(0), weight.size(1), backward, begin, end, weights);
  });
  const int64_t step = kPositions * depth * columns > kLargeWeights ? kManyForwardTiles : kForwardTiles;
  const int64_t in_plane = step * in_row + kPlanePadding;
  const int64_t out_plane = step * columns + kPlanePadding;
  auto& buffers = threads_->ready();
  for (auto& buffer : buffers) {
    grown(buffer.in, kPositions * in_plane);
    grown(buffer.out, kPositions * out_plane);
  }
  share_blocks(from.front().shape.tiles(), step, [&](int64_t thread, int64_t begin, int64_t end) {
    float* in = buffers[thread].in.data_ptr<float>();
    float* out = buffers[thread].out.data_ptr<float>();
    int64_t place = 0;
    for (const Source& source : from) {
      kernels_.transform_input(source.image, source.shape, begin, end - begin, 0, 6, in + place, in_plane, in_row);
      place += source.shape.blocks() * kBlock;
    }
    for (int64_t p = 0; p < kPositions; ++p) {
      kernels_.multiply(end - begin, columns, depth, in + p * in_plane, in_row, 1, weights + p * depth * columns,
                        out + p * out_plane, false);
    }
    kernels_.transform_output(out, out_plane, to, to_shape, begin, end - begin, epilogue);
  });
}

void Convolver::accumulate_gradients(const float* image, const ImageShape& image_shape, const float* gradient,
                                     const ImageShape& gradient_shape, torch::Tensor& weight_gradient,
                                     torch::Tensor* bias_gradient) {
  const int64_t rows = image_shape.channels;
  const int64_t in_row = image_shape.blocks() * kBlock;
  const int64_t columns = gradient_shape.blocks() * kBlock;
  const int64_t in_plane = kGradientTiles * in_row + kPlanePadding;
  const int64_t out_plane = kGradientTiles * columns + kPlanePadding;
  constexpr int64_t kHalf = kPositions / kGradientHalves;
  const int64_t tiles = image_shape.tiles();
  // A fixed share for each thread: the order of the sums, and so the result, must not depend on who was faster.
  const int64_t threads = std::clamp<int64_t>(tiles / kGradientTiles, 1, at::get_num_threads());
  auto& buffers = threads_->ready();
  std::vector<const float*> sums;
  for (int64_t i = 0; i < threads; ++i) {
    grown(buffers[i].in, kHalf * in_plane);
    grown(buffers[i].out, kHalf * out_plane);
    sums.push_back(grown(buffers[i].sums, kPositions * rows * columns));
    std::fill_n(grown(buffers[i].bias_sums, columns), columns, 0.0F);
  }
  at::parallel_for(0, threads, 1, [&](int64_t first, int64_t last) {
    for (int64_t thread = first; thread < last; ++thread) {
      float* in = buffers[thread].in.data_ptr<float>();
      float* out = buffers[thread].out.data_ptr<float>();
      float* sum = buffers[thread].sums.data_ptr<float>();
      float* bias_sum = buffers[thread].bias_sums.data_ptr<float>();
      const int64_t begin = tiles * thread / threads;
      const int64_t end = tiles * (thread + 1) / threads;
      for (int64_t half = 0; half < kGradientHalves; ++half) {
        for (int64_t tile = begin; tile < end; tile += kGradientTiles) {
          const int64_t count = std::min(kGradientTiles, end - tile);
          kernels_.transform_input(image, image_shape, tile, count, half * 3, half * 3 + 3, in, in_plane, in_row);
          kernels_.transform_gradient(gradient, gradient_shape, tile, count, half * 3, half * 3 + 3, out, out_plane);
          for (int64_t p = 0; p < kHalf; ++p) {
            kernels_.multiply(rows, columns, count, in + p * in_plane, 1, in_row, out + p * out_plane,
                              sum + (half * kHalf + p) * rows * columns, tile > begin);
          }
          if (half == 0 && bias_gradient != nullptr) {
            // Position (1, 1) of A dy A^T is the sum of the tile.
            const float* tile_sums = out + 7 * out_plane;
            for (int64_t i = 0; i < count * columns; ++i) bias_sum[i % columns] += tile_sums[i];
          }
        }
      }
    }
  });
  float* to = weight_gradient.data_ptr<float>();
  at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
    kernels_.transform_weight_gradient(sums.data(), threads, gradient_shape.channels, rows, begin, end, to);
  });
  if (bias_gradient == nullptr) return;
  float* bias_to = bias_gradient->data_ptr<float>();
  std::fill_n(bias_to, gradient_shape.channels, 0.0F);
  for (int64_t i = 0; i < threads; ++i) {
    const float* part = buffers[i].bias_sums.data_ptr<float>();
    for (int64_t c = 0; c < gradient_shape.channels; ++c) bias_to[c] += part[c];
  }
}

}  // namespace zsr::winograd
