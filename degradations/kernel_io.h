#pragma once

#include "core/files.h"
#include "degradations/kernel.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// What is done about a kernel file whose weights do not sum to 1 (within 1e-3). Images always are normalised.
enum class KernelSum { kNormalize, kMustBeOne };

/// Reads a kernel file by its content: the formats of `load_arrays`. Throws IoError or InputError naming the file and
/// the cause, also when it holds several kernels.
BlurKernel load_kernel(const std::filesystem::path& path, KernelConvention convention = KernelConvention::kZssr,
                       KernelSum rule = KernelSum::kNormalize);

/// All kernels of a file, or of the .mat, .npy and .txt files of a folder in the order of their names. At least one.
std::vector<BlurKernel> load_kernels(const std::filesystem::path& path,
                                     KernelConvention convention = KernelConvention::kZssr,
                                     KernelSum rule = KernelSum::kNormalize);

/// Writes a kernel by the extension of `path` (see `save_array`), weights as `convention` orders them.
void save_kernel(const BlurKernel& kernel, const std::filesystem::path& path,
                 KernelConvention convention = KernelConvention::kZssr, Overwrite overwrite = Overwrite::kNo);

/// "zssr" (or "kernelgan"), "kair" (or "usrnet"), "fkp", as people type it. Throws OptionError naming `flag`.
KernelConvention parse_kernel_convention(const std::string& text, const std::string& flag);

}  // namespace zsr
