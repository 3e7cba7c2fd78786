#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zsr::cli {

/// The flags of a command, as zsr-core wrote them when zsr was built.
struct OptionTable {
  std::string_view words;  ///< "upscale", "kernel make".
  /// "scale:s= force: ...": the long name, ':', the letter or nothing, '=' where a value follows.
  std::string_view flags;
  bool takes_photos_alone = false;  ///< Whether a photo is all that it needs.
};

/// What is wrong with a call, and the exit code.
struct EarlyError {
  std::string message;
  int code = 2;
};

/// The mistakes at a terminal that are seen without the whole program: an unknown command, an unknown flag, a flag
/// without its value, the photo of "zsr upscale PHOTO [-s N]" that is not there. What it says is what zsr-core would
/// say; where it is not sure it says nothing. `words` are the arguments.
std::optional<EarlyError> find_early_error(const std::vector<std::string_view>& words,
                                           const std::vector<OptionTable>& tables);

}  // namespace zsr::cli
