#pragma once

#include <cstdint>

namespace zsr::winograd {

// Note [Winograd layout]
// F(4x4, 3x3) of Lavin and Gray (2016): each 6x6 tile of the input gives a 4x4 tile of the output. Images are stored in
// blocks of 16 channels, [N][channel block][padded height][padded width][16] floats, with one zero pixel above and left
// and zeros below and right up to a whole number of tiles and one more pixel, so that no kernel looks at a border.
// Transformed data of position p = 0..35 lies in planes of its own; `plane` below is the distance between two of them.

constexpr int64_t kTile = 4;        ///< Output pixels a tile's side.
constexpr int64_t kPositions = 36;  ///< Multiplications a tile, channel and filter: 6 x 6.
constexpr int64_t kBlock = 16;      ///< Channels a block.

/// How an image of Note [Winograd layout] lies in memory.
struct ImageShape {
  int64_t batch = 0;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t blocks() const { return (channels + kBlock - 1) / kBlock; }
  int64_t tiles_y() const { return (height + kTile - 1) / kTile; }
  int64_t tiles_x() const { return (width + kTile - 1) / kTile; }
  int64_t tiles() const { return batch * tiles_y() * tiles_x(); }
  int64_t padded_height() const { return tiles_y() * kTile + 2; }
  int64_t padded_width() const { return tiles_x() * kTile + 2; }
  int64_t row_stride() const { return padded_width() * kBlock; }
  int64_t block_stride() const { return padded_height() * row_stride(); }
  int64_t image_stride() const { return blocks() * block_stride(); }
  /// Floats in all.
  int64_t size() const { return batch * image_stride(); }
  bool operator==(const ImageShape&) const = default;
  /// With the channels rearranged into pixels.
  ImageShape shuffled(int64_t s) const { return {batch, channels / (s * s), height * s, width * s}; }
};

/// What happens to an output tile before it is stored, in this order. `add` and `mask` are images of the shape of what
/// is stored.
struct Epilogue {
  const float* bias = nullptr;   ///< [blocks * 16], added; null for none.
  const float* add = nullptr;    ///< Image, added; null for none.
  bool relu = false;             ///< Negative values become 0.
  const float* slope = nullptr;  ///< [blocks * 16]: negative values times it. Null for none.
  const float* mask = nullptr;   ///< Image; where it is <= 0 the output becomes 0. Null for none.
  /// Channel (y s + x) C + c, C = channels / s^2 in whole blocks, goes to pixel (y, x) of channel c of an image s times
  /// the size.
  int64_t shuffle = 1;
};

/// The inner loops, compiled once per instruction set. Tiles are numbered row by row through the whole batch.
struct Kernels {
  const char* name;  ///< "avx512", "avx2", "portable".

  /// B^T d B of tiles [first, first + count) for positions of rows [row_begin, row_end) of the 6x6 tile:
  /// out[(p - 6 * row_begin) * plane + t * blocks * 16 + channel].
  void (*transform_input)(const float* image, const ImageShape& shape, int64_t first, int64_t count, int64_t row_begin,
                          int64_t row_end, float* out, int64_t plane);
  /// A dy A^T of 4x4 tiles of an output gradient, layout as above.
  void (*transform_gradient)(const float* image, const ImageShape& shape, int64_t first, int64_t count,
                             int64_t row_begin, int64_t row_end, float* out, int64_t plane);
  /// A^T m A of `count` tiles of a convolution's output of that shape, then the epilogue, into the image that it makes.
  /// in[p * plane + t * blocks * 16 + channel].
  void (*transform_output)(const float* in, int64_t plane, float* image, const ImageShape& shape, int64_t first,
                           int64_t count, const Epilogue& epilogue);
  /// c[r * columns + n] (+)= sum over k < depth of a[r * row_stride + k * depth_stride] * b[k * columns + n]. `columns`
  /// is a multiple of 16.
  void (*multiply)(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t row_stride,
                   int64_t depth_stride, const float* b, float* c, bool accumulate);
  /// c[r * columns + n] = sum over k < depth of a[r * depth + k] * b[n * depth + k]. `depth` is a multiple of 16.
  void (*multiply_transposed)(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, float* c);

  /// G g G^T of weights [out_channels, in_channels, 3, 3] for input channels k in [begin, end): out[p][k][n], n padded
  /// with zeros to whole blocks. `backward` exchanges the roles of the channels and turns the filters half around.
  void (*transform_weights)(const float* weight, int64_t out_channels, int64_t in_channels, bool backward,
                            int64_t begin, int64_t end, float* out);
  /// G^T m G, m = sum of `count` arrays [p][k][n], for input channels [begin, end): the gradient of the weights.
  void (*transform_weight_gradient)(const float* const* sums, int64_t count, int64_t out_channels, int64_t in_channels,
                                    int64_t begin, int64_t end, float* gradient);
};

/// The best kernels for this processor; ZSR_ISA=avx512, avx2 or portable in the environment overrides, for
/// measurements.
const Kernels& kernels();

/// Kernels of one instruction set, for tests and benchmarks; null where the processor or the build lacks it.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();
const Kernels* portable_kernels();

}  // namespace zsr::winograd
