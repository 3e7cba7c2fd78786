#include "core/conv/winograd/chain.h"

#include "core/conv/winograd/layout.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>

namespace zsr::winograd {
namespace {

// Tiles at a time, so that a block of transformed data and the transformed weights (590 KB for 64 x 64 channels) share
// a cache of 1 MB. Multiples of 12 suit the matrix product.
constexpr int64_t kForwardTiles = 12;
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
struct Chain::Threads {
  struct Buffers {
    torch::Tensor in, out, sums, bias_sums;
  };
  std::vector<Buffers> each;

  std::vector<Buffers>& ready() {
    each.resize(std::max<size_t>(each.size(), static_cast<size_t>(at::get_num_threads())));
    return each;
  }
};

Chain::Chain(std::vector<ConvLayer> layers, const Kernels& kernels)
    : layers_(std::move(layers)), kernels_(kernels), scratch_(4), threads_(std::make_unique<Threads>()) {}

Chain::~Chain() = default;

ImageShape Chain::shape_of(const torch::Tensor& input, size_t image) const {
  const int64_t channels = image == 0 ? layers_[0].in_channels : layers_[image - 1].out_channels;
  return {input.size(0), channels, input.size(2), input.size(3)};
}

float* Chain::scratch_image(size_t index, const ImageShape& shape) {
  // Ends of the chain have channel counts of their own; apart from the hidden layers they keep their shape from call to
  // call, and so their zero borders.
  const size_t slot = index == 0 ? 2 : index == layers_.size() ? 3 : index % 2;
  ScratchImage& image = scratch_[slot];
  if (!(image.shape == shape)) {
    float* data = grown(image.data, shape.size());
    std::fill(data, data + shape.size(), 0.0F);  // borders stay zero from now on
    image.shape = shape;
  }
  return image.data.data_ptr<float>();
}

torch::Tensor Chain::padded_bias(const torch::Tensor& bias, int64_t blocks) const {
  if (!bias.defined()) return {};
  return torch::constant_pad_nd(bias, {0, blocks * kBlock - bias.size(0)}).contiguous();
}

void Chain::convolve(const float* from, const ImageShape& from_shape, const torch::Tensor& weight, bool backward,
                     float* to, const ImageShape& to_shape, const Epilogue& epilogue) {
  const int64_t depth = from_shape.channels;
  const int64_t columns = to_shape.blocks() * kBlock;
  float* weights = grown(transformed_weights_, kPositions * depth * columns);
  const float* plain = weight.data_ptr<float>();
  at::parallel_for(0, depth, 8, [&](int64_t begin, int64_t end) {
    kernels_.transform_weights(plain, weight.size(0), weight.size(1), backward, begin, end, weights);
  });
  const int64_t in_row = from_shape.blocks() * kBlock;
  const int64_t in_plane = kForwardTiles * in_row + kPlanePadding;
  const int64_t out_plane = kForwardTiles * columns + kPlanePadding;
  auto& buffers = threads_->ready();
  for (auto& buffer : buffers) {
    grown(buffer.in, kPositions * in_plane);
    grown(buffer.out, kPositions * out_plane);
  }
  share_blocks(from_shape.tiles(), kForwardTiles, [&](int64_t thread, int64_t begin, int64_t end) {
    float* in = buffers[thread].in.data_ptr<float>();
    float* out = buffers[thread].out.data_ptr<float>();
    kernels_.transform_input(from, from_shape, begin, end - begin, 0, 6, in, in_plane);
    for (int64_t p = 0; p < kPositions; ++p) {
      kernels_.multiply(end - begin, columns, depth, in + p * in_plane, in_row, 1, weights + p * depth * columns,
                        out + p * out_plane, false);
    }
    kernels_.transform_output(out, out_plane, to, to_shape, begin, end - begin, epilogue);
  });
}

void Chain::accumulate_gradients(const float* image, const ImageShape& image_shape, const float* gradient,
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
          kernels_.transform_input(image, image_shape, tile, count, half * 3, half * 3 + 3, in, in_plane);
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

torch::Tensor Chain::infer(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                           const std::vector<torch::Tensor>& biases) {
  const torch::NoGradGuard no_grad;
  ImageShape shape = shape_of(input, 0);
  float* current = scratch_image(0, shape);
  to_blocked(input, current, shape);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const ImageShape next_shape = shape_of(input, i + 1);
    float* next = scratch_image(i + 1, next_shape);
    const torch::Tensor bias = padded_bias(biases[i], next_shape.blocks());
    convolve(current, shape, weights[i], false, next, next_shape,
             {bias.defined() ? bias.data_ptr<float>() : nullptr, layers_[i].relu, nullptr});
    current = next;
    shape = next_shape;
  }
  return from_blocked(current, shape);
}

std::shared_ptr<Chain::Activations> Chain::take_activations(const torch::Tensor& input) {
  for (auto& candidate : spare_) {
    if (candidate->batch == input.size(0) && candidate->height == input.size(2) && candidate->width == input.size(3)) {
      auto found = std::move(candidate);
      candidate = std::move(spare_.back());
      spare_.pop_back();
      return found;
    }
  }
  auto fresh = std::make_shared<Activations>();
  fresh->batch = input.size(0);
  fresh->height = input.size(2);
  fresh->width = input.size(3);
  for (size_t i = 0; i <= layers_.size(); ++i) {
    fresh->images.push_back(torch::zeros({shape_of(input, i).size()}, torch::kFloat32));
  }
  return fresh;
}

torch::Tensor Chain::forward(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                             const std::vector<torch::Tensor>& biases, std::shared_ptr<Activations>& activations) {
  const torch::NoGradGuard no_grad;
  activations = take_activations(input);
  auto& images = activations->images;
  to_blocked(input, images[0].data_ptr<float>(), shape_of(input, 0));
  for (size_t i = 0; i < layers_.size(); ++i) {
    const torch::Tensor bias = padded_bias(biases[i], shape_of(input, i + 1).blocks());
    convolve(images[i].data_ptr<float>(), shape_of(input, i), weights[i], false, images[i + 1].data_ptr<float>(),
             shape_of(input, i + 1), {bias.defined() ? bias.data_ptr<float>() : nullptr, layers_[i].relu, nullptr});
  }
  return from_blocked(images.back().data_ptr<float>(), shape_of(input, layers_.size()));
}

torch::Tensor Chain::backward(const torch::Tensor& gradient, const std::vector<torch::Tensor>& weights,
                              const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                              std::vector<torch::Tensor>& weight_gradients,
                              std::vector<torch::Tensor>& bias_gradients) {
  const torch::NoGradGuard no_grad;
  const auto& images = activations->images;
  ImageShape shape = shape_of(gradient, layers_.size());
  float* current = scratch_image(layers_.size(), shape);
  to_blocked(gradient.contiguous(), current, shape);
  if (layers_.back().relu) close(current, images.back().data_ptr<float>(), shape.size());
  torch::Tensor result;
  for (size_t i = layers_.size(); i-- > 0;) {
    const ImageShape below = shape_of(gradient, i);
    const float* image = images[i].data_ptr<float>();
    accumulate_gradients(image, below, current, shape, weight_gradients[i],
                         layers_[i].bias ? &bias_gradients[i] : nullptr);
    if (i == 0 && !needs_input_gradient) break;
    float* next = scratch_image(i, below);
    convolve(current, shape, weights[i], true, next, below,
             {nullptr, false, i > 0 && layers_[i - 1].relu ? image : nullptr});
    current = next;
    shape = below;
    if (i == 0) result = from_blocked(current, shape);
  }
  spare_.push_back(activations);
  if (spare_.size() > 2) spare_.erase(spare_.begin());
  return result;
}

}  // namespace zsr::winograd
