#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::cli {

/// JSON on one line, without its end. Bytes that are no UTF-8, as names of files may hold, become U+FFFD.
std::string json_line(const nlohmann::json& json);

}  // namespace zsr::cli
