#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::cli {

/// JSON on one line, without its end. Names of files may be any bytes (Note [Bytes as text] in core/byte_text.h).
std::string json_line(const nlohmann::json& json);

}  // namespace zsr::cli
