#include "cli/json_line.h"

#include <nlohmann/json.hpp>

namespace zsr::cli {

std::string json_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace zsr::cli
