#pragma once

#include "degradations/kernel.h"

#include <array>

namespace zsr {

/// What a kernel lets pass of the frequencies that the small photo keeps: the size of its transfer function at 0.15,
/// 0.3 and 0.45 cycles per LR pixel along 0, 45, 90 and 135 degrees. A code of any kernel, whatever its size and place,
/// in twelve numbers of [0, 1] that change smoothly with it; the second axis of the photo points down.
constexpr size_t kKernelCodeLength = 12;
std::array<float, kKernelCodeLength> kernel_code(const BlurKernel& kernel, double scale);

/// The code of the kernel that a photo shows when it is turned and mirrored as `dihedral(photo, index)`.
std::array<float, kKernelCodeLength> turned_code(const std::array<float, kKernelCodeLength>& code, int64_t index);

}  // namespace zsr
