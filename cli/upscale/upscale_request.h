#pragma once

#include "cli/flags/upscale_flags.h"
#include "cli/upscale/upscale_job.h"

#include <string>

namespace zsr::cli {

/// Throws UsageError where standard input or output is named and something else stands in its way. An output that leads
/// to standard output becomes "-".
void check_standard_streams(UpscaleFlags& flags, bool json);

/// The flags of `command` ("upscale", "restore", ...) as settings, checked against each other and against what the
/// method can use; reads the files that they name. Throws UsageError, OptionError, InputError and IoError.
UpscaleSettings resolve(AllFlags& flags, const OptionSet& given, const std::string& command);

}  // namespace zsr::cli
