#pragma once

#include "core/files.h"

#include <cstdint>
#include <filesystem>

namespace zsr {

/// A picture of a folder of pairs for a person to look at: up to `most` of its pairs, evenly chosen, the middle of the
/// HR image beside the same place of its LR image (pixels enlarged, not interpolated), each with its name and its steps
/// in a line. Reads the manifest in `folder`; an empty one gives InputError. Writes PNG, JPEG or what else `output`
/// names.
void write_contact_sheet(const std::filesystem::path& folder, const std::filesystem::path& output, Overwrite overwrite,
                         int64_t most = 24);

}  // namespace zsr
