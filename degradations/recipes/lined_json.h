#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <string>

namespace zsr {

/// A parsed JSON text that remembers on which line each key and each object stands.
struct LinedJson {
  nlohmann::ordered_json json;
  std::map<std::string, int64_t> line;  ///< JSON pointer ("/steps/2/quality") -> line, from 1.

  /// Line of the pointer, or of the nearest one above it.
  int64_t line_of(std::string pointer) const;
};

/// Throws InputError naming `name` and the line where the text is not JSON, or where an object has a key twice.
LinedJson parse_lined_json(const std::string& text, const std::string& name);

}  // namespace zsr
