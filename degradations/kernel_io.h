#pragma once

#include "degradations/kernel.h"

#include <filesystem>

namespace zsr {

/// Reads a kernel file by its content: MATLAB .mat (v5 to v7.3; variable `Kernel` or `kernel`, else the only 2-D
/// numeric one), NumPy .npy, text (numbers in rows, separated by blanks, commas or semicolons) or a gray image
/// (brightness = weight). Throws IoError or InputError naming the file and the cause.
BlurKernel load_kernel(const std::filesystem::path& path, KernelConvention convention = KernelConvention::kZssr);

}  // namespace zsr
