#pragma once

#include "cli/upscale_flags.h"

#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// Throws UsageError where standard input or output is named and something else stands in its way. An output that leads
/// to standard output becomes "-".
void check_standard_streams(UpscaleFlags& flags, bool json);

/// Size of the one photo that is named, where a size of the result is asked for; nothing for folders and several
/// photos, whose workers ask again. Throws as `read_photo_header`.
std::optional<Size> photo_size(const UpscaleFlags& flags);

/// Says that --width was taken as --channels, its new name.
void warn_of_old_name(const std::string& value);

/// Whole factors that the method named can enlarge by, ascending; those of a weights file are known once it is read.
std::vector<int64_t> factors_of(const UpscaleFlags& flags);

/// The size that is asked for, if any. `channels`: --width is not meant as a size. `task`: of --task. Throws UsageError
/// where -s or a task that keeps the size is named too.
std::optional<SizeRequest> requested_size(const SizeFlags& flags, const OptionSet& given, bool channels,
                                          const std::string& task);

}  // namespace zsr::cli
