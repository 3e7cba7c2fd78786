#pragma once

#include <nlohmann/json_fwd.hpp>

namespace zsr::cli {

/// Prints what a record says of scratches and tone, a line each.
void print_touch_up(const nlohmann::json& record);

}  // namespace zsr::cli
