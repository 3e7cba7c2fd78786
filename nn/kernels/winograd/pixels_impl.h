// Kernels along rows of pixels, as declared in kernels.h; included behind kernels_impl.h.

// Vector `index` of a row's pixel: block by block, part by part.
inline int64_t vector_place(const Row& row, int64_t index) {
  return row.offset + index / kParts * row.block_stride + index % kParts * kLanes;
}

inline Vec of_channels(const float* values, int64_t index) {
  return values != nullptr ? load(values + index * kLanes) : Vec{};
}

// Pixels x Columns vectors of a 1x1 convolution stay in registers while the channels, at least 1, run.
// Every Read-th pixel gives every Write-th.
template <int Pixels, int Columns, bool Rare, int Read, int Write>
inline void mix_block(const Lanes* from, int64_t count, const float* weights, const Row& row, const Epilogue& epilogue,
                      int64_t first, int64_t x) {
  const int64_t columns = row.blocks * kBlock;
  const float* w = weights + first * kLanes;
  Vec sum[Pixels][Columns] = {};
  const Lanes* const end = from + count;
  do {  // both loops at least once: a way around them would make the compiler keep the sums on the stack
    const float* a = from->row + x * Read * kBlock;
    const float* const stop = a + from->count;
    do {
      Vec right[Columns];
      for (int n = 0; n < Columns; ++n) right[n] = load(w + n * kLanes);
      for (int p = 0; p < Pixels; ++p) {
        const float left = a[p * Read * kBlock];
        for (int n = 0; n < Columns; ++n) sum[p][n] += left * right[n];
      }
      w += columns;
    } while (++a < stop);
  } while (++from < end);
  for (int n = 0; n < Columns; ++n) {
    const int64_t place = vector_place(row, first + n) + x * Write * kBlock;
    const Vec bias = of_channels(epilogue.bias, first + n);
    const Vec slope = of_channels(epilogue.slope, first + n);
    const Vec gain = Rare ? of_channels(row.gain, first + n) : Vec{};
    for (int p = 0; p < Pixels; ++p) {
      const int64_t pixel = place + p * Write * kBlock;
      store(row.image + pixel, finished<Rare>(sum[p][n], epilogue, pixel, bias, slope, gain));
    }
  }
}

template <int Pixels, int Columns, bool Rare, int Read, int Write>
void mix_pixels(const Lanes* from, int64_t count, const float* weights, const Row& row, const Epilogue& epilogue,
                int64_t first, int64_t x) {
  for (; x + Pixels <= row.pixels; x += Pixels) {
    mix_block<Pixels, Columns, Rare, Read, Write>(from, count, weights, row, epilogue, first, x);
  }
  if constexpr (Pixels > 1) {
    constexpr int kNext = Pixels > 4 ? 4 : Pixels / 2;
    if (x < row.pixels) mix_pixels<kNext, Columns, Rare, Read, Write>(from, count, weights, row, epilogue, first, x);
  }
}

template <bool Rare, int Read, int Write>
void mix_row(const Lanes* from, int64_t count, const float* weights, const Row& row, const Epilogue& epilogue) {
  const int64_t vectors = row.blocks * kParts;
  int64_t n = 0;
#if ZSR_LANES == 16
  for (; n + 4 <= vectors; n += 4) mix_pixels<6, 4, Rare, Read, Write>(from, count, weights, row, epilogue, n, 0);
  if (n + 3 <= vectors) {
    mix_pixels<8, 3, Rare, Read, Write>(from, count, weights, row, epilogue, n, 0);
    n += 3;
  }
  if (n + 2 <= vectors) {
    mix_pixels<12, 2, Rare, Read, Write>(from, count, weights, row, epilogue, n, 0);
    n += 2;
  }
  if (n < vectors) mix_pixels<12, 1, Rare, Read, Write>(from, count, weights, row, epilogue, n, 0);
#else
  for (; n < vectors; n += 2) mix_pixels<6, 2, Rare, Read, Write>(from, count, weights, row, epilogue, n, 0);
#endif
}

void mix(const Lanes* from, int64_t count, const float* weights, const Row& row, const Epilogue& epilogue) {
  auto* run = is_rare(epilogue) ? mix_row<true, 1, 1> : mix_row<false, 1, 1>;
  if (row.read_step == 2) run = is_rare(epilogue) ? mix_row<true, 2, 1> : mix_row<false, 2, 1>;
  if (row.step == 2) run = is_rare(epilogue) ? mix_row<true, 1, 2> : mix_row<false, 1, 2>;
  run(from, count, weights, row, epilogue);
}

// Taps of a filter on one row: those rows and columns that lie inside the image.
struct Taps {
  int64_t first_row, last_row, first_column, last_column;
};

inline int64_t taps_before(int64_t place, int64_t reach, int64_t dilation) {
  const int64_t outside = reach - place;  // of the first tap
  return outside <= 0 ? 0 : (outside + dilation - 1) / dilation;
}

inline Taps taps_at(const ImageShape& shape, int64_t y, int64_t left, int64_t right, int64_t side, int64_t dilation) {
  const int64_t reach = side / 2 * dilation;
  return {taps_before(y, reach, dilation), side - taps_before(shape.height - 1 - y, reach, dilation),
          taps_before(left, reach, dilation), side - taps_before(shape.width - 1 - right, reach, dilation)};
}

// Pixels of one vector's channels from x on; `from`: the pixel (y, x) there.
template <int Pixels, bool Rare>
inline void filter_block(const float* from, int64_t row_stride, const Taps& taps, const float* weights, int64_t side,
                         int64_t dilation, const Row& row, const Epilogue& epilogue, int64_t index, int64_t x) {
  Vec sum[Pixels] = {};
  for (int64_t ky = taps.first_row; ky < taps.last_row; ++ky) {
    const float* line = from + (ky - side / 2) * dilation * row_stride;
    for (int64_t kx = taps.first_column; kx < taps.last_column; ++kx) {
      const Vec w = load(weights + (ky * side + kx) * kBlock);
      const float* at = line + (kx - side / 2) * dilation * kBlock;
      for (int p = 0; p < Pixels; ++p) sum[p] += w * load(at + p * kBlock);
    }
  }
  const Vec bias = of_channels(epilogue.bias, index);
  const Vec slope = of_channels(epilogue.slope, index);
  const Vec gain = Rare ? of_channels(row.gain, index) : Vec{};
  for (int p = 0; p < Pixels; ++p) {
    const int64_t pixel = vector_place(row, index) + (x + p) * kBlock;
    store(row.image + pixel, finished<Rare>(sum[p], epilogue, pixel, bias, slope, gain));
  }
}

template <bool Rare>
void filter_row(const float* image, const ImageShape& shape, int64_t y, const DepthFilter& f, const Row& row,
                const Epilogue& epilogue) {
  constexpr int kPixels = 8;
  const int64_t row_stride = shape.row_stride();
  for (int64_t index = 0; index < row.blocks * kParts; ++index) {
    const int64_t block = index / kParts;
    const int64_t lane = index % kParts * kLanes;
    const float* from = image + block * shape.block_stride() + shape.origin() + y * row_stride + lane;
    const float* weights = f.weights + block * f.side * f.side * kBlock + lane;
    int64_t x = 0;
    while (x < row.pixels) {
      // One zero pixel lies around the image, so that columns may go that far.
      const int64_t reach = f.side > 1 ? f.side / 2 * f.dilation - 1 : 0;
      const bool inside = x >= reach && x + kPixels + reach <= row.pixels;
      if (inside) {
        const Taps rows = taps_at(shape, y, reach + 1, shape.width - reach - 2, f.side, f.dilation);
        const Taps taps{rows.first_row, rows.last_row, 0, f.side};
        filter_block<kPixels, Rare>(from + x * kBlock, row_stride, taps, weights, f.side, f.dilation, row, epilogue,
                                    index, x);
        x += kPixels;
      } else {
        const Taps taps = taps_at(shape, y, x, x, f.side, f.dilation);
        filter_block<1, Rare>(from + x * kBlock, row_stride, taps, weights, f.side, f.dilation, row, epilogue, index,
                              x);
        ++x;
      }
    }
  }
}

void filter(const float* image, const ImageShape& shape, int64_t y, const DepthFilter& f, const Row& row,
            const Epilogue& epilogue) {
  const auto run = is_rare(epilogue) ? filter_row<true> : filter_row<false>;
  run(image, shape, y, f, row, epilogue);
}

void finish(const float* from, int64_t from_stride, const Row& row, const Epilogue& epilogue) {
  for (int64_t index = 0; index < row.blocks * kParts; ++index) {
    const float* in = from + index / kParts * from_stride + index % kParts * kLanes;
    const Vec bias = of_channels(epilogue.bias, index);
    const Vec slope = of_channels(epilogue.slope, index);
    const Vec gain = of_channels(row.gain, index);
    const int64_t place = vector_place(row, index);
    for (int64_t x = 0; x < row.pixels; ++x) {
      const int64_t pixel = place + x * kBlock;
      store(row.image + pixel, finished<true>(load(in + x * kBlock), epilogue, pixel, bias, slope, gain));
    }
  }
}

void filter_gradient(const float* image, const float* gradient, const ImageShape& shape, int64_t block, int64_t y,
                     int64_t side, int64_t dilation, float* sums) {
  const int64_t start = block * shape.block_stride() + shape.origin() + y * shape.row_stride();
  const Taps rows = taps_at(shape, y, 0, shape.width - 1, side, dilation);
  for (int64_t ky = rows.first_row; ky < rows.last_row; ++ky) {
    const float* line = image + start + (ky - side / 2) * dilation * shape.row_stride();
    for (int64_t kx = 0; kx < side; ++kx) {
      const int64_t shift = (kx - side / 2) * dilation;
      const int64_t begin = shift < 0 ? -shift : 0;
      const int64_t end = shift > 0 ? shape.width - shift : shape.width;
      float* to = sums + (ky * side + kx) * kBlock;
      for (int part = 0; part < kParts; ++part) {
        Vec even = {}, odd = {};
        int64_t x = begin;
        for (; x + 2 <= end; x += 2) {
          even +=
              load(gradient + start + x * kBlock + part * kLanes) * load(line + (x + shift) * kBlock + part * kLanes);
          odd += load(gradient + start + (x + 1) * kBlock + part * kLanes) *
                 load(line + (x + 1 + shift) * kBlock + part * kLanes);
        }
        if (x < end) {
          even +=
              load(gradient + start + x * kBlock + part * kLanes) * load(line + (x + shift) * kBlock + part * kLanes);
        }
        store(to + part * kLanes, load(to + part * kLanes) + (even + odd));
      }
    }
  }
}

// sums[16] += value(vector of pixel x), of one block's row.
template <typename Value>
inline void add_up(int64_t pixels, float* sums, const Value& value) {
  for (int part = 0; part < kParts; ++part) {
    Vec even = {}, odd = {};
    int64_t x = 0;
    for (; x + 2 <= pixels; x += 2) {
      even += value(x * kBlock + part * kLanes, part);
      odd += value((x + 1) * kBlock + part * kLanes, part);
    }
    if (x < pixels) even += value(x * kBlock + part * kLanes, part);
    store(sums + part * kLanes, load(sums + part * kLanes) + (even + odd));
  }
}

void sum(const float* a, int64_t pixels, float* sums) {
  add_up(pixels, sums, [&](int64_t at, int) { return load(a + at); });
}

void sum_products(const float* a, const float* b, int64_t pixels, float* sums) {
  add_up(pixels, sums, [&](int64_t at, int) { return load(a + at) * load(b + at); });
}

void sum_squares(const float* a, const float* centre, int64_t pixels, float* sums) {
  add_up(pixels, sums, [&](int64_t at, int part) {
    const Vec from_centre = load(a + at) - load(centre + part * kLanes);
    return from_centre * from_centre;
  });
}

inline Vec bend_slope(Vec x, Bend bend, Vec slopes) {
  switch (bend) {
    case Bend::kSigmoid: {
      const Vec y = sigmoid_of(x);
      return y * (1.0F - y);
    }
    case Bend::kTanh: {
      const Vec y = tanh_of(x);
      return 1.0F - y * y;
    }
    case Bend::kGelu: {
      Vec density;
      const Vec below = normal_below(x, density);
      return below + x * density * 0.39894228F;
    }
    case Bend::kSilu: {
      const Vec y = sigmoid_of(x);
      return y + x * y * (1.0F - y);
    }
    case Bend::kNone:
      break;
  }
  return x > Vec{} ? Vec{} + 1.0F : slopes;
}

void bend_gradient(const float* x, const float* gradient, Bend bend, const float* slopes, int64_t pixels, float* to) {
  for (int part = 0; part < kParts; ++part) {
    const Vec own = of_channels(slopes, part);
    for (int64_t at = part * kLanes; at < pixels * kBlock; at += kBlock) {
      store(to + at, load(gradient + at) * bend_slope(load(x + at), bend, own));
    }
  }
}

// The table of all loops of this instruction set.
constexpr Kernels kernels_named(const char* name) {
  return {name,
          transform_input,
          transform_gradient,
          transform_output,
          multiply,
          multiply_transposed,
          transform_weights,
          transform_weight_gradient,
          mix,
          filter,
          finish,
          filter_gradient,
          sum,
          sum_products,
          sum_squares,
          bend_gradient};
}
