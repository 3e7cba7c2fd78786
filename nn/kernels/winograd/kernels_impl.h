// The loops of kernels.h over vectors of ZSR_LANES floats. Included once by each kernels_<instruction set>.cpp, inside
// an unnamed namespace, and free of library templates: code compiled for one processor must not be shared with others.

constexpr int kLanes = ZSR_LANES;
constexpr int kParts = 16 / kLanes;    // vectors a channel block
constexpr int64_t kPrefetchRows = 16;  // rows of the right matrix fetched ahead; 8 to 16 measured best
typedef float Vec __attribute__((vector_size(kLanes * 4)));

inline Vec load(const float* from) {
  Vec v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}

inline void store(float* to, Vec v) {
  __builtin_memcpy(to, &v, sizeof(v));
}

// Rows [begin, end) of B^T applied to six values.
template <int Begin, int End>
inline void input_rows(const Vec* d, int stride, Vec* out, int out_stride) {
  const Vec d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride], d4 = d[4 * stride], d5 = d[5 * stride];
  const auto put = [&](int row, Vec value) { out[(row - Begin) * out_stride] = value; };
  if (Begin <= 0 && 0 < End) put(0, 4.0F * d0 - 5.0F * d2 + d4);
  if (Begin <= 1 && 2 < End) {
    const Vec even = d4 - 4.0F * d2;
    const Vec odd = d3 - 4.0F * d1;
    put(1, even + odd);
    put(2, even - odd);
  }
  if (Begin <= 3 && 4 < End) {
    const Vec even = d4 - d2;
    const Vec odd = 2.0F * (d3 - d1);
    put(3, even + odd);
    put(4, even - odd);
  }
  if (Begin <= 5 && 5 < End) put(5, 4.0F * d1 - 5.0F * d3 + d5);
}

// Rows [begin, end) of A (6x4) applied to four values.
template <int Begin, int End>
inline void gradient_rows(const Vec* d, int stride, Vec* out, int out_stride) {
  const Vec d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride];
  const auto put = [&](int row, Vec value) { out[(row - Begin) * out_stride] = value; };
  if (Begin <= 0 && 0 < End) put(0, d0);
  if (Begin <= 1 && 2 < End) {
    const Vec even = d0 + d2;
    const Vec odd = d1 + d3;
    put(1, even + odd);
    put(2, even - odd);
  }
  if (Begin <= 3 && 4 < End) {
    const Vec even = d0 + 4.0F * d2;
    const Vec odd = 2.0F * d1 + 8.0F * d3;
    put(3, even + odd);
    put(4, even - odd);
  }
  if (Begin <= 5 && 5 < End) put(5, d3);
}

// A^T (4x6) applied to six values.
inline void output_rows(const Vec* m, int stride, Vec* out, int out_stride) {
  const Vec m0 = m[0], m1 = m[stride], m2 = m[2 * stride], m3 = m[3 * stride], m4 = m[4 * stride], m5 = m[5 * stride];
  const Vec sum1 = m1 + m2, difference1 = m1 - m2, sum2 = m3 + m4, difference2 = m3 - m4;
  out[0] = m0 + sum1 + sum2;
  out[out_stride] = difference1 + 2.0F * difference2;
  out[2 * out_stride] = sum1 + 4.0F * sum2;
  out[3 * out_stride] = difference1 + 8.0F * difference2 + m5;
}

// G (6x3) applied to three values.
inline void filter_rows(Vec g0, Vec g1, Vec g2, Vec* out, int out_stride) {
  const Vec outer = g0 + g2;
  const Vec wide = (g0 + 4.0F * g2) * (1.0F / 24.0F);
  out[0] = g0 * 0.25F;
  out[out_stride] = (outer + g1) * (-1.0F / 6.0F);
  out[2 * out_stride] = (outer - g1) * (-1.0F / 6.0F);
  out[3 * out_stride] = wide + g1 * (1.0F / 12.0F);
  out[4 * out_stride] = wide - g1 * (1.0F / 12.0F);
  out[5 * out_stride] = g2;
}

// G^T (3x6) applied to six values.
inline void gradient_filter_rows(const Vec* m, int stride, Vec* out, int out_stride) {
  const Vec sum1 = (m[stride] + m[2 * stride]) * (1.0F / 6.0F);
  const Vec difference1 = (m[2 * stride] - m[stride]) * (1.0F / 6.0F);
  const Vec sum2 = (m[3 * stride] + m[4 * stride]) * (1.0F / 24.0F);
  const Vec difference2 = (m[3 * stride] - m[4 * stride]) * (1.0F / 12.0F);
  out[0] = 0.25F * m[0] - sum1 + sum2;
  out[out_stride] = difference1 + difference2;
  out[2 * out_stride] = 4.0F * sum2 - sum1 + m[5 * stride];
}

// Walks tiles in order without dividing each time.
struct TileWalk {
  int64_t image, y, x, tiles_y, tiles_x;
  TileWalk(const ImageShape& shape, int64_t tile) : tiles_y(shape.tiles_y()), tiles_x(shape.tiles_x()) {
    x = tile % tiles_x;
    y = tile / tiles_x % tiles_y;
    image = tile / tiles_x / tiles_y;
  }
  void next() {
    if (++x < tiles_x) return;
    x = 0;
    if (++y < tiles_y) return;
    y = 0;
    ++image;
  }
};

template <int Begin, int End>
void transform_input_rows(const float* image, const ImageShape& shape, int64_t first, int64_t count, float* out,
                          int64_t plane, int64_t length) {
  const int64_t row_stride = shape.row_stride();
  const int64_t block_stride = shape.block_stride();
  const int64_t image_stride = shape.image_stride();
  const int64_t blocks = shape.blocks();
  for (int64_t block = 0; block < blocks; ++block) {
    TileWalk walk(shape, first);
    for (int64_t t = 0; t < count; ++t, walk.next()) {
      const float* tile = image + walk.image * image_stride + walk.y * kTile * row_stride + walk.x * kTile * kBlock;
      // The columns that only the next tile has.
      for (int row = 0; row < 6; ++row) {
        const float* next = tile + block * block_stride + row * row_stride + 6 * kBlock;
        for (int column = 0; column < 4; ++column) __builtin_prefetch(next + column * kBlock);
      }
      for (int part = 0; part < kParts; ++part) {
        const float* from = tile + block * block_stride + part * kLanes;
        float* to = out + t * length + block * kBlock + part * kLanes;
        Vec half[(End - Begin) * 6];
        for (int column = 0; column < 6; ++column) {
          Vec d[6];
          for (int row = 0; row < 6; ++row) d[row] = load(from + row * row_stride + column * kBlock);
          input_rows<Begin, End>(d, 1, half + column, 6);
        }
#pragma GCC unroll 1  // thirty-six places at once are more than there are registers for their addresses
        for (int row = 0; row < End - Begin; ++row, to += 6 * plane) {
          Vec v[6];
          input_rows<0, 6>(half + row * 6, 1, v, 1);
          for (int column = 0; column < 6; ++column) store(to + column * plane, v[column]);
        }
      }
    }
  }
}

template <int Begin, int End>
void transform_gradient_rows(const float* image, const ImageShape& shape, int64_t first, int64_t count, float* out,
                             int64_t plane) {
  const int64_t row_stride = shape.row_stride();
  const int64_t block_stride = shape.block_stride();
  const int64_t image_stride = shape.image_stride();
  const int64_t blocks = shape.blocks();
  for (int64_t block = 0; block < blocks; ++block) {
    TileWalk walk(shape, first);
    for (int64_t t = 0; t < count; ++t, walk.next()) {
      // The tile itself begins behind the zero border.
      const float* tile =
          image + walk.image * image_stride + (walk.y * kTile + 1) * row_stride + (walk.x * kTile + 1) * kBlock;
      for (int part = 0; part < kParts; ++part) {
        const float* from = tile + block * block_stride + part * kLanes;
        float* to = out + (t * blocks + block) * kBlock + part * kLanes;
        Vec half[(End - Begin) * 4];
        for (int column = 0; column < 4; ++column) {
          Vec d[4];
          for (int row = 0; row < 4; ++row) d[row] = load(from + row * row_stride + column * kBlock);
          gradient_rows<Begin, End>(d, 1, half + column, 4);
        }
#pragma GCC unroll 1  // as in transform_input_rows
        for (int row = 0; row < End - Begin; ++row, to += 6 * plane) {
          Vec v[6];
          gradient_rows<0, 6>(half + row * 4, 1, v, 1);
          for (int column = 0; column < 6; ++column) store(to + column * plane, v[column]);
        }
      }
    }
  }
}

void transform_input(const float* image, const ImageShape& shape, int64_t first, int64_t count, int64_t row_begin,
                     int64_t row_end, float* out, int64_t plane, int64_t length) {
  if (row_begin == 0 && row_end == 6) return transform_input_rows<0, 6>(image, shape, first, count, out, plane, length);
  if (row_begin == 0) return transform_input_rows<0, 3>(image, shape, first, count, out, plane, length);
  transform_input_rows<3, 6>(image, shape, first, count, out, plane, length);
}

void transform_gradient(const float* image, const ImageShape& shape, int64_t first, int64_t count, int64_t row_begin,
                        int64_t row_end, float* out, int64_t plane) {
  if (row_begin == 0 && row_end == 6) return transform_gradient_rows<0, 6>(image, shape, first, count, out, plane);
  if (row_begin == 0) return transform_gradient_rows<0, 3>(image, shape, first, count, out, plane);
  transform_gradient_rows<3, 6>(image, shape, first, count, out, plane);
}

#include "nn/kernels/winograd/finish_impl.h"

// What is added, and the place of the result, come from far: they are on their way while the tile is transformed.
inline void fetch_tile(const float* add, const float* image, int64_t offset, int64_t rows, int64_t columns,
                       int64_t row_stride, int64_t column_stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t pixel = offset + row * row_stride + column * column_stride;
      if (add != nullptr) __builtin_prefetch(add + pixel);
      __builtin_prefetch(image + pixel, 1);
    }
  }
}

template <bool Rare>
void transform_output_tiles(const float* in, int64_t plane, float* image, const ImageShape& shape, int64_t first,
                            int64_t count, const Epilogue& epilogue) {
  const Epilogue finish = epilogue;  // a copy of its own, which no store can change
  const int64_t s = finish.shuffle;
  const ImageShape stored = shape.shuffled(s);
  const int64_t row_stride = stored.row_stride();
  const int64_t block_stride = stored.block_stride();
  const int64_t image_stride = stored.image_stride();
  const int64_t blocks = shape.blocks();
  const int64_t stored_blocks = stored.blocks();
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t place_in_pixel = block / stored_blocks;
    const int64_t corner = block % stored_blocks * block_stride + (place_in_pixel / s + 1) * row_stride +
                           (place_in_pixel % s + 1) * kBlock;
    TileWalk walk(shape, first);
    for (int64_t t = 0; t < count; ++t, walk.next()) {
      const int64_t offset =
          walk.image * image_stride + corner + walk.y * kTile * s * row_stride + walk.x * kTile * s * kBlock;
      const int64_t left_y = shape.height - walk.y * kTile;
      const int64_t left_x = shape.width - walk.x * kTile;
      const int64_t rows = left_y < kTile ? left_y : kTile;
      const int64_t columns = left_x < kTile ? left_x : kTile;
      fetch_tile(finish.add, image, offset, rows, columns, s * row_stride, s * kBlock);
      for (int part = 0; part < kParts; ++part) {
        const float* from = in + (t * blocks + block) * kBlock + part * kLanes;
        Vec half[4 * 6];
#pragma GCC unroll 1  // as in transform_input_rows
        for (int column = 0; column < 6; ++column, from += plane) {
          Vec m[6];
          for (int row = 0; row < 6; ++row) m[row] = load(from + row * 6 * plane);
          output_rows(m, 1, half + column, 6);
        }
        const int64_t channel = block * kBlock + part * kLanes;
        const Vec bias = finish.bias != nullptr ? load(finish.bias + channel) : Vec{};
        const Vec slope = finish.slope != nullptr ? load(finish.slope + channel) : Vec{};
        const Vec gain =
            Rare && finish.gain != nullptr ? load(finish.gain + walk.image * blocks * kBlock + channel) : Vec{};
        const auto put = [&](Vec value, int64_t pixel) {
          store(image + pixel, finished<Rare>(value, finish, pixel, bias, slope, gain));
        };
        int64_t pixel = offset + part * kLanes;
#pragma GCC unroll 1
        for (int64_t row = 0; row < rows; ++row, pixel += s * row_stride) {
          Vec y[4];
          output_rows(half + row * 6, 1, y, 1);
          put(y[0], pixel);
          if (columns > 1) put(y[1], pixel + s * kBlock);
          if (columns > 2) put(y[2], pixel + 2 * s * kBlock);
          if (columns > 3) put(y[3], pixel + 3 * s * kBlock);
        }
      }
    }
  }
}

void transform_output(const float* in, int64_t plane, float* image, const ImageShape& shape, int64_t first,
                      int64_t count, const Epilogue& epilogue) {
  const auto run = is_rare(epilogue) ? transform_output_tiles<true> : transform_output_tiles<false>;
  run(in, plane, image, shape, first, count, epilogue);
}

// Rows x Columns vectors of the product stay in registers while the depth, at least 1, runs.
template <int Rows, int Columns, bool Accumulate>
inline void multiply_block(int64_t depth, const float* a, int64_t row_stride, int64_t depth_stride, const float* b,
                           int64_t columns, float* c) {
  Vec sum[Rows][Columns];
  for (int r = 0; r < Rows; ++r) {
    for (int n = 0; n < Columns; ++n) {
      sum[r][n] = Accumulate ? load(c + r * columns + n * kLanes) : Vec{};
      if (Accumulate) __builtin_prefetch(c + (Rows + r) * columns + n * kLanes, 1);
    }
  }
  int64_t k = 0;
  do {  // at least once: a way around the loop would make the compiler keep the sums on the stack
    Vec right[Columns];
    for (int n = 0; n < Columns; ++n) {
      right[n] = load(b + k * columns + n * kLanes);
      __builtin_prefetch(b + (k + kPrefetchRows) * columns + n * kLanes);
    }
    for (int r = 0; r < Rows; ++r) {
      const float left = a[r * row_stride + k * depth_stride];
      for (int n = 0; n < Columns; ++n) sum[r][n] += left * right[n];
    }
  } while (++k < depth);
  for (int r = 0; r < Rows; ++r) {
    for (int n = 0; n < Columns; ++n) store(c + r * columns + n * kLanes, sum[r][n]);
  }
}

template <int Rows, int Columns, bool Accumulate>
void multiply_rows(int64_t rows, int64_t depth, const float* a, int64_t row_stride, int64_t depth_stride,
                   const float* b, int64_t columns, float* c) {
  int64_t r = 0;
  for (; r + Rows <= rows; r += Rows) {
    multiply_block<Rows, Columns, Accumulate>(depth, a + r * row_stride, row_stride, depth_stride, b, columns,
                                              c + r * columns);
  }
  if constexpr (Rows > 1) {
    constexpr int kNext = Rows > 8 ? 8 : Rows > 4 ? 4 : Rows / 2;
    if (r < rows) {
      multiply_rows<kNext, Columns, Accumulate>(rows - r, depth, a + r * row_stride, row_stride, depth_stride, b,
                                                columns, c + r * columns);
    }
  }
}

template <bool Accumulate>
void multiply_columns(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t row_stride,
                      int64_t depth_stride, const float* b, float* c) {
  int64_t n = 0;
#if ZSR_LANES == 16
  for (; n + 64 <= columns; n += 64)
    multiply_rows<6, 4, Accumulate>(rows, depth, a, row_stride, depth_stride, b + n, columns, c + n);
  for (; n + 32 <= columns; n += 32)
    multiply_rows<12, 2, Accumulate>(rows, depth, a, row_stride, depth_stride, b + n, columns, c + n);
  for (; n < columns; n += 16)
    multiply_rows<12, 1, Accumulate>(rows, depth, a, row_stride, depth_stride, b + n, columns, c + n);
#elif ZSR_LANES == 8
  for (; n < columns; n += 16)
    multiply_rows<6, 2, Accumulate>(rows, depth, a, row_stride, depth_stride, b + n, columns, c + n);
#else
  for (; n < columns; n += 8)
    multiply_rows<6, 2, Accumulate>(rows, depth, a, row_stride, depth_stride, b + n, columns, c + n);
#endif
}

void multiply(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t row_stride, int64_t depth_stride,
              const float* b, float* c, bool accumulate) {
  const auto run = accumulate ? multiply_columns<true> : multiply_columns<false>;
  run(rows, columns, depth, a, row_stride, depth_stride, b, c);
}

inline float sum_of(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  float sums[4] = {lanes[0], lanes[1], lanes[2], lanes[3]};
  for (int i = 4; i < kLanes; i += 4) {
    for (int k = 0; k < 4; ++k) sums[k] += lanes[i + k];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Rows x Columns sums of products along the depth, each a vector until the end.
template <int Rows, int Columns>
inline void dot_block(int64_t depth, const float* a, const float* b, float* c, int64_t columns) {
  Vec sum[Rows][Columns] = {};
  for (int64_t k = 0; k < depth; k += kLanes) {
    Vec right[Columns];
    for (int n = 0; n < Columns; ++n) right[n] = load(b + n * depth + k);
    for (int r = 0; r < Rows; ++r) {
      const Vec left = load(a + r * depth + k);
      for (int n = 0; n < Columns; ++n) sum[r][n] += left * right[n];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int n = 0; n < Columns; ++n) c[r * columns + n] = sum_of(sum[r][n]);
  }
}

template <int Rows>
void dot_rows(int64_t columns, int64_t depth, const float* a, const float* b, float* c) {
#if ZSR_LANES == 16
  constexpr int kColumns = 4;
#else
  constexpr int kColumns = 2;
#endif
  int64_t n = 0;
  for (; n + kColumns <= columns; n += kColumns) {
    dot_block<Rows, kColumns>(depth, a, b + n * depth, c + n, columns);
  }
  for (; n < columns; ++n) dot_block<Rows, 1>(depth, a, b + n * depth, c + n, columns);
}

void multiply_transposed(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, float* c) {
  constexpr int kRows = 4;
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) dot_rows<kRows>(columns, depth, a + r * depth, b, c + r * columns);
  for (; r < rows; ++r) dot_rows<1>(columns, depth, a + r * depth, b, c + r * columns);
}

#include "nn/kernels/winograd/weights_impl.h"
