#pragma once

#include "cli/flags/options.h"
#include "pipeline/methods.h"

#include <string>

namespace zsr::cli {

/// Throws UsageError where the user named a flag of `zsr upscale` (or of the command of one method) that `method`
/// cannot use; the message names the flag, the method and those that can use it. `chosen_by`: what made zsr take the
/// method when the user did not name it, e.g. "--detail"; or empty.
void refuse_unused(const OptionSet& given, const pipeline::Method& method, const std::string& chosen_by);

/// Throws UsageError where --device or --gpu asks for a GPU, which `what` ("kernelgan") does not use.
void refuse_gpu(const OptionSet& given, const std::string& what);

/// Whether a flag was named that ZSSR can use and the restoration cannot, so that the photo does not choose between
/// them. A time budget counts as neither: a restoration takes seconds.
bool names_zero_shot(const OptionSet& given);

/// Whether a flag was given that `method` cannot use.
bool names_more_than(const OptionSet& given, const pipeline::Method& method);

}  // namespace zsr::cli
