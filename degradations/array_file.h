#pragma once

#include "core/files.h"

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// The 2-D arrays of a file, float64, recognised by its content: MATLAB .mat (v5 to v7.3; variable `Kernel`, `kernel`,
/// `kernels` or `P`, else the only 2-D numeric one; a 3-D array or a cell array gives one per slice or cell), NumPy
/// .npy, text (numbers in rows, separated by blanks, commas or semicolons) or a gray image (brightness = value). Throws
/// IoError or InputError naming `role` and the file.
std::vector<torch::Tensor> load_arrays(const std::filesystem::path& path, const std::string& role);

/// True when the content of the file is that of an image.
bool is_image_file(const std::filesystem::path& path);

/// Writes `array` [h, w] as the extension says: .mat (v5, variable `Kernel`), .npy (float64), .txt or .csv (as many
/// digits as a double has), .png (16 bits, the largest value white). Appears whole or not at all. Throws OptionError
/// for other extensions and IoError.
void save_array(const torch::Tensor& array, const std::filesystem::path& path, Overwrite overwrite);

}  // namespace zsr
