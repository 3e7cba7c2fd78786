#include "core/strict_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

// A value for a message.
std::string shown(const Json& value) {
  constexpr size_t kLongest = 60;
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

// Unsigned numbers above the largest int64_t would turn negative.
bool is_whole(const Json& value) {
  if (value.is_number_unsigned()) {
    return value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  }
  return value.is_number_integer();
}

}  // namespace

EntryError::EntryError(const std::string& name, const Json& value, const std::string& rule)
    : EntryError(name, fmt::format("'{}' is {}, must be {}", name, shown(value), rule)) {}

void check_entries(const Json& json, const std::vector<std::string>& known) {
  if (!json.is_object()) throw EntryError("", "must be an object, {...}");
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw EntryError(key, fmt::format("unknown field '{}'; there are {}", key, fmt::join(known, ", ")));
  }
}

const Json& json_entry(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) throw EntryError(name, fmt::format("'{}' is missing", name));
  return *found;
}

double json_number(const Json& value, const std::string& name, double low, double high) {
  if (!value.is_number()) throw EntryError(name, value, "a number");
  const double number = value.get<double>();
  if (!(number >= low && number <= high)) throw EntryError(name, value, fmt::format("from {:g} to {:g}", low, high));
  return number;
}

int64_t json_whole(const Json& value, const std::string& name, int64_t low, int64_t high) {
  if (!is_whole(value)) throw EntryError(name, value, "a whole number");
  const auto number = value.get<int64_t>();
  if (number < low || number > high) throw EntryError(name, value, fmt::format("from {} to {}", low, high));
  return number;
}

bool json_truth(const Json& value, const std::string& name) {
  if (!value.is_boolean()) throw EntryError(name, value, "true or false");
  return value.get<bool>();
}

std::string json_text_value(const Json& value, const std::string& name) {
  if (!value.is_string()) throw EntryError(name, value, "a text");
  return value.get<std::string>();
}

size_t json_choice(const Json& value, const std::string& name, std::span<const char* const> names) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const char* one) { return value == one; });
  if (found == names.end()) throw EntryError(name, value, fmt::format("one of {}", fmt::join(names, ", ")));
  return static_cast<size_t>(found - names.begin());
}

const Json& json_list(const Json& value, const char* name, size_t count) {
  if (!value.is_array() || value.size() != count) throw EntryError(name, value, fmt::format("a list of {}", count));
  return value;
}

}  // namespace zsr
