// Winograd kernels compiled for avx2 (flags: nn/CMakeLists.txt).
#include "nn/kernels/winograd/kernels.h"

#ifdef __AVX2__

#define ZSR_LANES 8

namespace zsr::winograd {
namespace {
#include "nn/kernels/winograd/kernels_impl.h"
#include "nn/kernels/winograd/pixels_impl.h"
}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels = kernels_named("avx2");
  static const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return supported ? &kKernels : nullptr;
}

}  // namespace zsr::winograd

#else

const zsr::winograd::Kernels* zsr::winograd::avx2_kernels() {
  return nullptr;
}

#endif
