#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// `zsr-core documentation FOLDER`, which the build calls: writes, from the option tables of all commands,
///   help_texts.inc          what each --help prints, for the launcher
///   option_tables.inc       the flags of each, for the launcher
///   man/zsr.1, zsr-*.1      manual pages
///   completions/zsr.bash, _zsr, zsr.fish
int run_documentation(const std::vector<std::string>& arguments);

}  // namespace zsr::cli
