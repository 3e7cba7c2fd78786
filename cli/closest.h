#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// The candidates close to `word` in edit distance, the closest first, at most `most` of them (> 0). Empty when none is
/// close.
std::vector<std::string> close_words(const std::string& word, const std::vector<std::string>& candidates, size_t most);

/// The candidate closest to `word` in edit distance, empty when none is close.
std::string closest(const std::string& word, const std::vector<std::string>& candidates);

/// ", did you mean '--scale'?" for an unknown option "--scael" or "--scael=3"; empty when no name is close.
std::string option_guess(const std::string& option, const std::vector<std::string>& names);

/// What is wrong with an unknown command, and which one may be meant.
std::string unknown_command(const std::string& name, const std::vector<std::string>& names);

}  // namespace zsr::cli
