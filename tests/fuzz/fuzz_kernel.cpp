#include "core/error.h"
#include "degradations/kernel_io.h"
#include "tests/fuzz/memory_file.h"

#include <torch/types.h>

#include <cmath>

// Whatever the bytes are, the reader gives a kernel that sums to one or throws zsr::Error; everything else is a
// finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try {
    const zsr::BlurKernel kernel =
        zsr::load_kernel(file.path(), zsr::KernelConvention::kZssr, zsr::KernelSum::kNormalize);
    if (std::abs(kernel.weights().sum().item<double>() - 1.0) > 1e-6) std::abort();
  } catch (const zsr::Error&) {
  }
  return 0;
}
