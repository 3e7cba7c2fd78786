#include "cli/terminal/json_line.h"

#include "core/json_bytes.h"

namespace zsr::cli {

std::string json_line(const nlohmann::json& json) {
  return json_text(json);
}

}  // namespace zsr::cli
