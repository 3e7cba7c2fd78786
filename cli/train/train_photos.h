#pragma once

#include "training/patches.h"

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zsr::cli {

/// The photos of the folders, subfolders too, as RGB bytes [3, H, W] of at least `least` pixels a side. What cannot
/// serve is named on stderr unless `quiet`, and left out. Throws InputError when nothing is left.
std::vector<torch::Tensor> load_photos(const std::vector<std::string>& folders, int64_t least, bool quiet);

/// Patches of `photos` as they are, not made smaller, as many and as large as the LR patches of `patches`; their sides
/// are at least as long. They begin where JPEG's blocks do.
std::unique_ptr<training::PatchSource> make_like_source(std::vector<torch::Tensor> photos,
                                                        const training::PatchOptions& patches);

/// The pairs of a folder as `zsr degrade` writes them, or of a benchmark's layout; those smaller than a patch are left
/// out. Throws InputError.
std::vector<training::TrainingPhoto> load_pairs(const std::string& folder, int64_t scale, int64_t patch, bool quiet);

}  // namespace zsr::cli
