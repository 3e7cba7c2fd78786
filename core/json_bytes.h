#pragma once

#include "core/byte_text.h"

#include <nlohmann/json.hpp>

#include <string>

namespace zsr {

/// Calls `change` with every text in `json`; keys are left as they are.
template <typename Json, typename Change>
void change_texts(Json& json, const Change& change) {
  if (json.is_string()) {
    json = change(json.template get_ref<const std::string&>());
  } else if (json.is_structured()) {
    for (auto& part : json) change_texts(part, change);
  }
}

/// `json` as text, its texts being any bytes (Note [Bytes as text]). `indent` as of nlohmann's dump; -1: one line.
template <typename Json>
std::string json_text(Json json, int indent = -1) {
  change_texts(json, [](const std::string& bytes) { return text_of_bytes(bytes); });
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// The inverse of `json_text`; `is_discarded()` where `text` is no JSON.
template <typename Json>
Json parse_json_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  change_texts(json, [](const std::string& own) { return bytes_of_text(own); });
  return json;
}

}  // namespace zsr
