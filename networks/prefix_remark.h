#pragma once

namespace zsr::networks {

/// Remark that `unwrapped` leaves in a file's metadata where it took a part of the file: the beginning of its names.
inline constexpr const char* kPrefixRemark = "zsr_prefix";

}  // namespace zsr::networks
