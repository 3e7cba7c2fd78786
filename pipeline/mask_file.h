#pragma once

#include "core/files.h"
#include "image/photo_codec.h"

#include <torch/types.h>

#include <filesystem>

namespace zsr::pipeline {

/// An image as a mask, [1, 1, h, w]: 1 where it is brighter than half (kept), 0 elsewhere (filled). Throws InputError,
/// IoError.
torch::Tensor read_mask(const std::filesystem::path& path, const ReadLimits& limits);

/// `mask` [1, 1, h, w] as an image, white = kept. Throws OptionError for a format that is not written, IoError.
void write_mask(const torch::Tensor& mask, const std::filesystem::path& path, Overwrite overwrite);

}  // namespace zsr::pipeline
