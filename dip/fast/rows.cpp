#include "dip/fast/rows.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
// The loader picks the widest that the processor has.
#define ZSR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ZSR_EACH_PROCESSOR
#endif

namespace zsr::dip {
namespace {

constexpr int64_t kLanes = 16;

}  // namespace

ZSR_EACH_PROCESSOR
void pack_row(const float* from, int64_t n, const float* scale, const float* shift, float* to, int64_t stride) {
  if (scale == nullptr) {
    for (int64_t x = 0; x < n; ++x) {
      for (int64_t c = 0; c < kLanes; ++c) to[x * stride + c] = from[x * kLanes + c];
    }
    return;
  }
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      const float value = scale[c] * from[x * kLanes + c] + shift[c];
      to[x * stride + c] = value > 0.0F ? value : kLeak * value;
    }
  }
}

ZSR_EACH_PROCESSOR
void unpack_row(const float* from, int64_t stride, int64_t n, float* to, float* sums, float* squares) {
  float sum[kLanes] = {};
  float square[kLanes] = {};
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      const float value = from[x * stride + c];
      to[x * kLanes + c] = value;
      sum[c] += value;
      square[c] += value * value;
    }
  }
  for (int64_t c = 0; c < kLanes; ++c) {
    sums[c] += sum[c];
    squares[c] += square[c];
  }
}

ZSR_EACH_PROCESSOR
void pack_gradient_row(const float* d, const float* y, int64_t n, const float* a, const float* b, const float* c,
                       float* to, int64_t stride) {
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t i = 0; i < kLanes; ++i) {
      to[x * stride + i] = a[i] * d[x * kLanes + i] + b[i] * y[x * kLanes + i] + c[i];
    }
  }
}

ZSR_EACH_PROCESSOR
void apply_norm_gradient_row(float* d, const float* y, int64_t n, const float* a, const float* b, const float* c) {
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t i = 0; i < kLanes; ++i) {
      d[x * kLanes + i] = a[i] * d[x * kLanes + i] + b[i] * y[x * kLanes + i] + c[i];
    }
  }
}

ZSR_EACH_PROCESSOR
void close_row(const float* gradient, int64_t stride, const float* y, int64_t n, const float* scale, const float* shift,
               bool add, float* to, float* sums, float* products) {
  float sum[kLanes] = {};
  float product[kLanes] = {};
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      const float below = y[x * kLanes + c];
      float value = gradient[x * stride + c];
      if (add) value += to[x * kLanes + c];
      value *= scale[c] * below + shift[c] > 0.0F ? 1.0F : kLeak;
      to[x * kLanes + c] = value;
      sum[c] += value;
      product[c] += value * below;
    }
  }
  for (int64_t c = 0; c < kLanes; ++c) {
    sums[c] += sum[c];
    products[c] += product[c];
  }
}

ZSR_EACH_PROCESSOR
void sum_row(const float* from, int64_t n, float* sums, float* squares) {
  float sum[kLanes] = {};
  float square[kLanes] = {};
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      const float value = from[x * kLanes + c];
      sum[c] += value;
      square[c] += value * value;
    }
  }
  for (int64_t c = 0; c < kLanes; ++c) {
    sums[c] += sum[c];
    squares[c] += square[c];
  }
}

ZSR_EACH_PROCESSOR
void blend_rows(const float* near, const float* far, float near_share, float far_share, int64_t n, const float* scale,
                const float* shift, float* to) {
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      const float first = scale[c] * near[x * kLanes + c] + shift[c];
      const float second = scale[c] * far[x * kLanes + c] + shift[c];
      to[x * kLanes + c] =
          near_share * (first > 0.0F ? first : kLeak * first) + far_share * (second > 0.0F ? second : kLeak * second);
    }
  }
}

ZSR_EACH_PROCESSOR
void widen_row(const float* from, int64_t n, bool linear, float* to) {
  for (int64_t x = 0; x < n; ++x) {
    const float* const here = from + x * kLanes;
    const float* const left = linear && x > 0 ? here - kLanes : here;
    const float* const right = linear && x + 1 < n ? here + kLanes : here;
    float* const out = to + 2 * x * kLanes;
    for (int64_t c = 0; c < kLanes; ++c) {
      out[c] = 0.25F * left[c] + 0.75F * here[c];
      out[kLanes + c] = 0.75F * here[c] + 0.25F * right[c];
    }
  }
}

ZSR_EACH_PROCESSOR
void narrow_row(const float* from, int64_t n, bool linear, float* to) {
  for (int64_t x = 0; x < n; ++x) {
    const float* const here = from + 2 * x * kLanes;
    const float* const left = x > 0 ? here - kLanes : here;
    const float* const right = x + 1 < n ? here + 2 * kLanes : here + kLanes;
    const float near = linear ? 0.75F : 1.0F;
    const float far = linear ? 0.25F : 0.0F;
    for (int64_t c = 0; c < kLanes; ++c) {
      to[x * kLanes + c] = near * (here[c] + here[kLanes + c]) + far * (left[c] + right[c]);
    }
  }
}

ZSR_EACH_PROCESSOR
void add_joint_gradient_row(const float* d, const float* u, int64_t n, float share, const float* b, const float* mean,
                            float* to) {
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < kLanes; ++c) {
      to[x * kLanes + c] += share * (d[x * kLanes + c] + b[c] * (u[x * kLanes + c] - mean[c]));
    }
  }
}

}  // namespace zsr::dip
