// Winograd kernels compiled for avx512 (flags: nn/CMakeLists.txt).
#include "nn/kernels/winograd/kernels.h"

#ifdef __AVX512F__

#define ZSR_LANES 16

namespace zsr::winograd {
namespace {
#include "nn/kernels/winograd/kernels_impl.h"
#include "nn/kernels/winograd/pixels_impl.h"
}  // namespace

const Kernels* avx512_kernels() {
  static constexpr Kernels kKernels = kernels_named("avx512");
  static const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return supported ? &kKernels : nullptr;
}

}  // namespace zsr::winograd

#else

const zsr::winograd::Kernels* zsr::winograd::avx512_kernels() {
  return nullptr;
}

#endif
