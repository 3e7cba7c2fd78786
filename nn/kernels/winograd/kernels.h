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
  /// Blocks from one image of the batch to the next where these channels are a part of a larger image; 0: they are all.
  int64_t whole = 0;

  int64_t blocks() const { return (channels + kBlock - 1) / kBlock; }
  int64_t tiles_y() const { return (height + kTile - 1) / kTile; }
  int64_t tiles_x() const { return (width + kTile - 1) / kTile; }
  int64_t tiles() const { return batch * tiles_y() * tiles_x(); }
  int64_t padded_height() const { return tiles_y() * kTile + 2; }
  int64_t padded_width() const { return tiles_x() * kTile + 2; }
  int64_t row_stride() const { return padded_width() * kBlock; }
  int64_t block_stride() const { return padded_height() * row_stride(); }
  int64_t image_stride() const { return (whole == 0 ? blocks() : whole) * block_stride(); }
  /// Of the first pixel: the border lies before it.
  int64_t origin() const { return row_stride() + kBlock; }
  /// Floats in all.
  int64_t size() const { return batch * image_stride(); }
  bool operator==(const ImageShape&) const = default;
  /// With the channels rearranged into pixels.
  ImageShape shuffled(int64_t s) const { return {batch, channels / (s * s), height * s, width * s}; }
};

/// Functions of one value that are computed in passing.
enum class Bend { kNone, kSigmoid, kTanh, kGelu, kSilu };

/// What happens to an output tile before it is stored, in this order. `add`, `times` and `mask` are images of the shape
/// of what is stored, with the same distance from image to image.
struct Epilogue {
  const float* bias = nullptr;   ///< [blocks * 16], added; null for none.
  const float* add = nullptr;    ///< Image, added; null for none.
  bool relu = false;             ///< Negative values become 0.
  const float* slope = nullptr;  ///< [blocks * 16]: negative values times it. Null for none.
  const float* mask = nullptr;   ///< Image; where it is <= 0 the output becomes `leak` times itself. Null for none.
  /// Channel (y s + x) C + c, C = channels / s^2 in whole blocks, goes to pixel (y, x) of channel c of an image s times
  /// the size.
  int64_t shuffle = 1;
  float leak = 0.0F;             ///< See `mask`.
  Bend bend = Bend::kNone;       ///< After `slope`, before `times`.
  const float* times = nullptr;  ///< Image, multiplied; null for none.
  const float* gain = nullptr;   ///< [batch][blocks * 16], multiplied; null for none.
};

/// One row of pixels that a kernel makes, of all blocks.
struct Row {
  float* image = nullptr;    ///< What is written, from its beginning.
  int64_t offset = 0;        ///< Of the row's first pixel in block 0, there and in the epilogue's images.
  int64_t block_stride = 0;  ///< From block to block.
  int64_t blocks = 0;
  int64_t pixels = 0;
  int64_t step = 1;             ///< From one pixel to the next; only `mix` takes 2, then with read_step = 1.
  int64_t read_step = 1;        ///< The same for what is read: 1, or 2 for `mix` with step = 1.
  const float* gain = nullptr;  ///< Of this image of the batch: [blocks * 16]; null for none.
};

/// Channels of one block as a kernel reads them along a row.
struct Lanes {
  const float* row = nullptr;  ///< The first pixel.
  int64_t count = 0;           ///< 1 to 16.
};

/// A convolution of each channel by itself.
struct DepthFilter {
  const float* weights = nullptr;  ///< [blocks][side * side][16].
  int64_t side = 3;                ///< Odd.
  int64_t dilation = 1;
};

/// The inner loops, compiled once per instruction set. Tiles are numbered row by row through the whole batch.
struct Kernels {
  const char* name;  ///< "avx512", "avx2", "portable".

  /// B^T d B of tiles [first, first + count) for positions of rows [row_begin, row_end) of the 6x6 tile:
  /// out[(p - 6 * row_begin) * plane + t * length + channel]; `length` is blocks * 16, or more where the channels of
  /// several images stand side by side.
  void (*transform_input)(const float* image, const ImageShape& shape, int64_t first, int64_t count, int64_t row_begin,
                          int64_t row_end, float* out, int64_t plane, int64_t length);
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

  // Rows of pixels (pixels_impl.h). All with the epilogue, without its shuffle.

  /// A 1x1 convolution: weights [channels of all `from`, blocks * 16].
  void (*mix)(const Lanes* from, int64_t count, const float* weights, const Row& row, const Epilogue& epilogue);
  /// Row y of a convolution of each channel, zeros around the image; `image`: the first image's beginning.
  void (*filter)(const float* image, const ImageShape& shape, int64_t y, const DepthFilter& filter, const Row& row,
                 const Epilogue& epilogue);
  /// The row as it is; `from`: its first pixel in block 0, `from_stride`: from block to block.
  void (*finish)(const float* from, int64_t from_stride, const Row& row, const Epilogue& epilogue);
  /// sums[side * side][16] += what row y of `gradient` tells about the weights of one block.
  void (*filter_gradient)(const float* image, const float* gradient, const ImageShape& shape, int64_t block, int64_t y,
                          int64_t side, int64_t dilation, float* sums);
  /// Of one block: sums[16] += a (- centre[16]), or times b, or squared.
  void (*sum)(const float* a, int64_t pixels, float* sums);
  void (*sum_products)(const float* a, const float* b, int64_t pixels, float* sums);
  void (*sum_squares)(const float* a, const float* centre, int64_t pixels, float* sums);
  /// to[i] = gradient[i] times the derivative of `bend` at x[i], of one block's row. kNone: of negative slopes[16].
  void (*bend_gradient)(const float* x, const float* gradient, Bend bend, const float* slopes, int64_t pixels,
                        float* to);
};

/// The best kernels for this processor; ZSR_ISA=avx512, avx2 or portable in the environment overrides, for
/// measurements.
const Kernels& kernels();

/// Kernels of one instruction set, for tests and benchmarks; null where the processor or the build lacks it.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();
const Kernels* portable_kernels();

}  // namespace zsr::winograd
