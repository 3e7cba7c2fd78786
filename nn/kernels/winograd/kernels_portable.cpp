// Winograd kernels compiled for portable (flags: core/CMakeLists.txt).
#include "nn/kernels/winograd/kernels.h"

#define ZSR_LANES 4

namespace zsr::winograd {
namespace {
#include "nn/kernels/winograd/kernels_impl.h"
#include "nn/kernels/winograd/pixels_impl.h"
}  // namespace

const Kernels* portable_kernels() {
  static constexpr Kernels kKernels{"portable",
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
  return &kKernels;
}

}  // namespace zsr::winograd
