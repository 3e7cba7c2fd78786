#pragma once

#include "nn/weights/weights_file.h"

#include <string>
#include <string_view>
#include <vector>

namespace zsr {

/// A network that comes with zsr: the file `weights/<name>.safetensors` of the source tree, held in the library itself,
/// so that nothing has to be found or downloaded. Throws OptionError for a name that is none.
WeightsFile shipped_weights(std::string_view name);

bool is_shipped(std::string_view name);

/// A file (load_weights), or, where there is none and `given` has neither '.' nor '/', one that comes with zsr.
WeightsFile load_or_shipped(const std::string& given);

/// The names that it knows.
const std::vector<std::string>& shipped_names();

}  // namespace zsr
