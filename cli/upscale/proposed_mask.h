#pragma once

#include "image/photo_codec.h"

#include <filesystem>

namespace zsr::cli {

/// For --mask auto: proposes what to fill in `photo` (a file) and writes the mask, and the photo with it in red, beside
/// it; returns the mask's path. Throws InputError when nothing was found, IoError.
std::filesystem::path write_proposed_mask(const std::filesystem::path& photo, const ReadLimits& limits,
                                          Overwrite overwrite, bool quiet);

}  // namespace zsr::cli
