// Winograd kernels compiled for portable (flags: nn/CMakeLists.txt).
#include "nn/kernels/winograd/kernels.h"

#define ZSR_LANES 4

namespace zsr::winograd {
namespace {
#include "nn/kernels/winograd/kernels_impl.h"
#include "nn/kernels/winograd/pixels_impl.h"
}  // namespace

const Kernels* portable_kernels() {
  static constexpr Kernels kKernels = kernels_named("portable");
  return &kKernels;
}

}  // namespace zsr::winograd
