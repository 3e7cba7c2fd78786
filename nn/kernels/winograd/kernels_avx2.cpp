// Winograd kernels compiled for avx2 (flags: core/CMakeLists.txt).
#include "nn/kernels/winograd/kernels.h"

#ifdef __AVX2__

#define ZSR_LANES 8

namespace zsr::winograd {
namespace {
#include "nn/kernels/winograd/kernels_impl.h"
#include "nn/kernels/winograd/pixels_impl.h"
}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels{"avx2",
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
  static const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return supported ? &kKernels : nullptr;
}

}  // namespace zsr::winograd

#else

const zsr::winograd::Kernels* zsr::winograd::avx2_kernels() {
  return nullptr;
}

#endif
