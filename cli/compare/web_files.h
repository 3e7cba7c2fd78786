#pragma once

#include <string_view>

namespace zsr::cli {

/// A file of `cli/compare/web/`, held in the program itself: "report.html", "vendor/panzoom.min.js", ... Throws
/// OptionError for others.
std::string_view web_file(std::string_view name);

}  // namespace zsr::cli
