#pragma once

#include "degradations/kernel.h"
#include "image/resize.h"

#include <string>
#include <vector>

namespace zsr::cli {

/// "2", "1.5" or "2x1.5" (horizontal x vertical) -> Scale. Throws UsageError naming `flag` for anything that is not one
/// or two numbers above 0; the methods check the range. 1 itself is refused unless `one_too`.
Scale parse_scale(const std::string& text, bool one_too = false, const char* flag = "scale");

/// "90", "90s", "1.5m", "2h" -> seconds, > 0. Throws UsageError naming `flag`.
double parse_duration(const std::string& text, const char* flag);

/// "12", "12.5M", "2G" -> a count. Throws UsageError.
int64_t parse_count(const std::string& text, const char* flag);

/// The parts of a list with commas between them; empty ones where commas meet, none for an empty list.
std::vector<std::string> split_list(const std::string& list);

/// A number in text; throws UsageError naming `flag`.
double parse_number(const std::string& text, const char* flag);

/// "zssr" (or "kernelgan"), "kair" (or "usrnet"), "fkp". Throws UsageError naming `flag`.
KernelConvention parse_kernel_convention(const std::string& text, const char* flag);

}  // namespace zsr::cli
