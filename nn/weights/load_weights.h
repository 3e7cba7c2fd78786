#pragma once

#include "nn/weights/weights_file.h"

#include <filesystem>

namespace zsr {

/// Reads a weights file by what it holds, not by its name: safetensors, PyTorch's two formats, an ncnn pair (.param,
/// .bin), MATLAB v5 or NumPy's .npz. Nothing in the file is executed. Throws IoError, or InputError that says what the
/// file is instead.
WeightsFile load_weights(const std::filesystem::path& path);

}  // namespace zsr
