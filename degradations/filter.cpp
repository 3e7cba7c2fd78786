#include "degradations/filter.h"

#include "core/error.h"
#include "image/weighted_taps.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

namespace zsr {
namespace {

// Where pixel `index` of the continued line comes from; -1 is black.
int64_t source_of(int64_t index, int64_t length, Border border) {
  switch (border) {
    case Border::kReplicate:
      return std::clamp<int64_t>(index, 0, length - 1);
    case Border::kZero:
      return index < 0 || index >= length ? -1 : index;
    case Border::kWrap:
      return ((index % length) + length) % length;
    case Border::kSymmetric: {
      const int64_t place = ((index % (2 * length)) + 2 * length) % (2 * length);
      return place < length ? place : 2 * length - 1 - place;
    }
    case Border::kReflect: {
      if (length == 1) return 0;
      const int64_t period = 2 * (length - 1);
      const int64_t place = ((index % period) + period) % period;
      return place < length ? place : period - place;
    }
  }
  return 0;
}

std::vector<int64_t> continued_index(int64_t length, int64_t before, int64_t after, Border border) {
  std::vector<int64_t> index(static_cast<size_t>(length + before + after));
  for (int64_t i = 0; i < static_cast<int64_t>(index.size()); ++i) index[i] = source_of(i - before, length, border);
  return index;
}

torch::Tensor continued(const torch::Tensor& image, int64_t dim, int64_t before, int64_t after, Border border) {
  if (before == 0 && after == 0) return image;
  const std::vector<int64_t> index = continued_index(image.size(dim), before, after, border);
  torch::Tensor places = torch::tensor(index, torch::kInt64).to(image.device());
  if (border != Border::kZero) return image.index_select(dim, places);
  std::vector<int64_t> shape(4, 1);
  shape[dim] = places.size(0);
  return image.index_select(dim, places.clamp_min(0)) * places.ge(0).to(image.scalar_type()).view(shape);
}

struct Taps {
  std::vector<int64_t> offset;
  std::vector<float> weight;
};

// One plane through `weights` [rows, columns]. Columns of the continued plane are sorted by their remainder modulo the
// stride, so that the pixels one tap meets along an output row are neighbours in memory.
void correlate_plane(const float* image, int64_t height, int64_t width, const double* weights, int64_t rows,
                     int64_t columns, Sampling sampling, Border border, float* out) {
  const int64_t stride = sampling.stride_x;
  const int64_t out_height = (height - sampling.offset_y + sampling.stride_y - 1) / sampling.stride_y;
  const int64_t out_width = (width - sampling.offset_x + stride - 1) / stride;
  const std::vector<int64_t> row_of = continued_index(height, rows / 2, rows, border);
  const std::vector<int64_t> column_of = continued_index(width, columns / 2, columns, border);
  const int64_t phase_length = (width + columns + stride - 1) / stride + 1;
  const int64_t pitch = phase_length * stride;

  // Weights that cannot change a float32 sum are left out; far tails would even be denormal, which is very slow.
  double largest = 0.0;
  for (int64_t i = 0; i < rows * columns; ++i) largest = std::max(largest, std::abs(weights[i]));
  const double negligible = 1e-10 * largest;
  Taps taps;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const double weight = weights[r * columns + c];
      if (std::abs(weight) <= negligible) continue;
      const int64_t column = c + sampling.offset_x;
      taps.offset.push_back(r * pitch + (column % stride) * phase_length + column / stride);
      taps.weight.push_back(static_cast<float>(weight));
    }
  }
  const int64_t before = columns / 2;
  const auto fill = [&](int64_t row, float* line) {
    if (row_of[row] < 0) {
      std::fill_n(line, pitch, 0.0F);
      return;
    }
    const float* const source = image + row_of[row] * width;
    const auto put = [&](int64_t first, int64_t last) {
      for (int64_t c = first; c < last; ++c) {
        const int64_t place = stride == 1 ? c : (c % stride) * phase_length + c / stride;
        line[place] = column_of[c] < 0 ? 0.0F : source[column_of[c]];
      }
    };
    if (stride != 1) return put(0, width + columns);
    put(0, before);
    std::copy_n(source, width, line + before);
    put(before + width, width + columns);
  };
  const int64_t cost = out_width * static_cast<int64_t>(taps.offset.size());
  const int64_t grain = std::max<int64_t>(rows, (1 << 20) / std::max<int64_t>(1, cost) + 1);
  at::parallel_for(0, out_height, grain, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * sampling.stride_y + sampling.offset_y;
    const int64_t last = (end - 1) * sampling.stride_y + sampling.offset_y + rows;
    const auto padded = std::make_unique_for_overwrite<float[]>(static_cast<size_t>((last - first) * pitch));
    for (int64_t row = first; row < last; ++row) fill(row, padded.get() + (row - first) * pitch);
    for (int64_t y = begin; y < end; ++y) {
      weighted_taps(padded.get() + (y - begin) * sampling.stride_y * pitch, taps.offset.data(), taps.weight.data(),
                    static_cast<int64_t>(taps.offset.size()), out + y * out_width, out_width);
    }
  });
}

struct Factors {
  torch::Tensor column;
  torch::Tensor row;
};

// The weights as column * row, where they are that to double precision.
std::optional<Factors> factorized(const torch::Tensor& weights) {
  if (weights.size(0) == 1 || weights.size(1) == 1) return std::nullopt;
  const int64_t place = weights.abs().argmax().item<int64_t>();
  const int64_t r = place / weights.size(1);
  const int64_t c = place % weights.size(1);
  const torch::Tensor column = weights.select(1, c).unsqueeze(1);
  const torch::Tensor row = weights.select(0, r).unsqueeze(0) / weights[r][c];
  const double largest = weights.abs().max().item<double>();
  if ((weights - column * row).abs().max().item<double>() > 1e-12 * largest) return std::nullopt;
  return Factors{column.contiguous(), row.contiguous()};
}

torch::Tensor correlate_vector(const torch::Tensor& image, const torch::Tensor& weights, Sampling sampling,
                               Border border) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const int64_t out_height = (height - sampling.offset_y + sampling.stride_y - 1) / sampling.stride_y;
  const int64_t out_width = (width - sampling.offset_x + sampling.stride_x - 1) / sampling.stride_x;
  const torch::Tensor source = image.contiguous();
  torch::Tensor result = torch::empty({image.size(0), image.size(1), out_height, out_width}, image.options());
  for (int64_t plane = 0; plane < image.size(0) * image.size(1); ++plane) {
    correlate_plane(source.data_ptr<float>() + plane * height * width, height, width, weights.data_ptr<double>(),
                    weights.size(0), weights.size(1), sampling, border,
                    result.data_ptr<float>() + plane * out_height * out_width);
  }
  return result;
}

torch::Tensor correlate_torch(const torch::Tensor& image, const torch::Tensor& weights, Sampling sampling,
                              Border border) {
  const int64_t rows = weights.size(0);
  const int64_t columns = weights.size(1);
  const torch::Tensor padded =
      pad_image(image, rows / 2, rows - 1 - rows / 2, columns / 2, columns - 1 - columns / 2, border)
          .slice(2, sampling.offset_y)
          .slice(3, sampling.offset_x);
  const int64_t planes = padded.size(0) * padded.size(1);
  const torch::Tensor filter = weights.to(image.device(), image.scalar_type()).view({1, 1, rows, columns});
  const torch::Tensor result = torch::conv2d(padded.reshape({planes, 1, padded.size(2), padded.size(3)}), filter, {},
                                             {sampling.stride_y, sampling.stride_x});
  return result.view({image.size(0), image.size(1), result.size(2), result.size(3)});
}

}  // namespace

torch::Tensor pad_image(const torch::Tensor& image, int64_t top, int64_t bottom, int64_t left, int64_t right,
                        Border border) {
  return continued(continued(image, 2, top, bottom, border), 3, left, right, border);
}

torch::Tensor correlate(const torch::Tensor& image, const torch::Tensor& weights, Sampling sampling, Border border) {
  if (sampling.offset_y >= image.size(2) || sampling.offset_x >= image.size(3)) {
    throw OptionError(fmt::format("sampling offset {}x{} lies outside the image ({}x{})", sampling.offset_x,
                                  sampling.offset_y, image.size(3), image.size(2)));
  }
  const bool learns = torch::GradMode::is_enabled() && (image.requires_grad() || weights.requires_grad());
  if (learns || !image.device().is_cpu() || image.scalar_type() != torch::kFloat32) {
    return correlate_torch(image, weights, sampling, border);
  }
  const torch::Tensor exact = weights.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  if (const auto factors = factorized(exact)) {
    const Sampling along{1, sampling.stride_x, 0, sampling.offset_x};
    const Sampling down{sampling.stride_y, 1, sampling.offset_y, 0};
    return correlate_vector(correlate_vector(image, factors->row, along, border), factors->column, down, border);
  }
  return correlate_vector(image, exact, sampling, border);
}

}  // namespace zsr
