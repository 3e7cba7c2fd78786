#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// The candidate closest to `word` in edit distance, empty when none is close.
std::string closest(const std::string& word, const std::vector<std::string>& candidates);

/// ", did you mean '--scale'?" for an unknown option "--scael" or "--scael=3"; empty when no name is close.
std::string option_guess(const std::string& option, const std::vector<std::string>& names);

/// What is wrong with an unknown command, and which one may be meant.
std::string unknown_command(const std::string& name, const std::vector<std::string>& names);

}  // namespace zsr::cli
