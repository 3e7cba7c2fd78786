#pragma once

#include "nn/weights/weights_file.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::cli {

/// One line for people: "EDSR (...), x2, RGB", or why the weights are of no network that zsr knows. `json` (may be
/// null) receives the same by parts.
std::string describe_weights(const WeightsFile& weights, nlohmann::ordered_json* json);

}  // namespace zsr::cli
