// Weights into the transformed domain and their gradients back; part of kernels_impl.h.

// G g G^T of one filter for 16 output channels at once; `g` is [9][16], `out` plane by plane.
inline void transform_filter(const float* g, float* out, int64_t plane) {
  for (int part = 0; part < kParts; ++part) {
    Vec half[6 * 3];
    for (int column = 0; column < 3; ++column) {
      const Vec g0 = load(g + column * 16 + part * kLanes);
      const Vec g1 = load(g + (3 + column) * 16 + part * kLanes);
      const Vec g2 = load(g + (6 + column) * 16 + part * kLanes);
      filter_rows(g0, g1, g2, half + column, 3);
    }
    for (int row = 0; row < 6; ++row) {
      Vec u[6];
      filter_rows(half[row * 3], half[row * 3 + 1], half[row * 3 + 2], u, 1);
      for (int column = 0; column < 6; ++column) store(out + (row * 6 + column) * plane + part * kLanes, u[column]);
    }
  }
}

void transform_weights(const float* weight, int64_t out_channels, int64_t in_channels, bool backward, int64_t begin,
                       int64_t end, float* out) {
  const int64_t depth = backward ? out_channels : in_channels;
  const int64_t columns = backward ? in_channels : out_channels;
  const int64_t padded = (columns + 15) / 16 * 16;
  for (int64_t k = begin; k < end; ++k) {
    for (int64_t n0 = 0; n0 < padded; n0 += 16) {
      float g[9 * 16] = {};
      for (int64_t n = n0; n < columns && n < n0 + 16; ++n) {
        const float* from = weight + (backward ? k * in_channels + n : n * in_channels + k) * 9;
        for (int tap = 0; tap < 9; ++tap) g[(backward ? 8 - tap : tap) * 16 + (n - n0)] = from[tap];
      }
      transform_filter(g, out + k * padded + n0, depth * padded);
    }
  }
}

void transform_weight_gradient(const float* const* sums, int64_t count, int64_t out_channels, int64_t in_channels,
                               int64_t begin, int64_t end, float* gradient) {
  const int64_t padded = (out_channels + 15) / 16 * 16;
  const int64_t plane = in_channels * padded;
  for (int64_t k = begin; k < end; ++k) {
    for (int64_t n0 = 0; n0 < padded; n0 += 16) {
      float g[9 * 16];
      for (int part = 0; part < kParts; ++part) {
        const int64_t place = k * padded + n0 + part * kLanes;
        Vec half[3 * 6];
        for (int column = 0; column < 6; ++column) {
          Vec m[6];
          for (int row = 0; row < 6; ++row) {
            m[row] = load(sums[0] + (row * 6 + column) * plane + place);
            for (int64_t i = 1; i < count; ++i) m[row] += load(sums[i] + (row * 6 + column) * plane + place);
          }
          gradient_filter_rows(m, 1, half + column, 6);
        }
        for (int row = 0; row < 3; ++row) {
          Vec v[3];
          gradient_filter_rows(half + row * 6, 1, v, 1);
          for (int column = 0; column < 3; ++column) store(g + (row * 3 + column) * 16 + part * kLanes, v[column]);
        }
      }
      for (int64_t n = n0; n < out_channels && n < n0 + 16; ++n) {
        float* to = gradient + (n * in_channels + k) * 9;
        for (int tap = 0; tap < 9; ++tap) to[tap] = g[tap * 16 + (n - n0)];
      }
    }
  }
}
