#include "nn/kernels/winograd/kernels.h"

#include <cstdlib>
#include <string_view>

namespace zsr::winograd {
namespace {

const Kernels& find_kernels() {
  const char* wanted = std::getenv("ZSR_ISA");
  for (const Kernels* candidate : {avx512_kernels(), avx2_kernels()}) {
    if (candidate != nullptr && (wanted == nullptr || std::string_view(wanted) == candidate->name)) return *candidate;
  }
  return *portable_kernels();
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& best = find_kernels();
  return best;
}

}  // namespace zsr::winograd
