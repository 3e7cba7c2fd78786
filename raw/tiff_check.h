#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace zsr::raw {

/// `size` bytes of a file from `offset` on; fewer where it ends.
using Bytes = std::function<std::string(uint64_t offset, size_t size)>;

/// What is wrong with the mosaic fields of a TIFF-like raw file; empty: nothing, or no TIFF. LibRaw 0.20 reads outside
/// of its memory where a pattern of 36 colours stands without its size of 6 x 6; so a pattern must have its size, 2 x 2
/// or 6 x 6, and colours that exist, before LibRaw sees the file.
std::string fault_of_mosaic_fields(const Bytes& bytes);

}  // namespace zsr::raw
