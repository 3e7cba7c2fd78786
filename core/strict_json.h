#pragma once

#include "core/error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace zsr {

/// Note [Strict JSON]
/// JSON that people write is read strictly: an entry that is not known is refused, since a misspelt one would be
/// ignored otherwise, and every value is checked for its type and range. The functions below do that for one object.
/// Whoever reads the file catches EntryError and adds the file's name and the place in it.

/// What is wrong with an entry of a JSON object: "'quality' is 140, must be from 1 to 100".
class EntryError : public InputError {
 public:
  /// "'name' is VALUE, must be RULE"; a long value is cut.
  EntryError(const std::string& name, const nlohmann::ordered_json& value, const std::string& rule);
  EntryError(std::string name, const std::string& what) : InputError(what), name_(std::move(name)) {}

  /// Name of the entry; empty: the object itself.
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// Throws EntryError unless `json` is an object that has no other entries than those `known`.
void check_entries(const nlohmann::ordered_json& json, const std::vector<std::string>& known);

/// The entry `name` of the object `json`. Throws EntryError where it is missing.
const nlohmann::ordered_json& json_entry(const nlohmann::ordered_json& json, const char* name);

// The value of the entry `name`. Each throws EntryError for values of another type or outside of the range, both ends
// of which are allowed.

double json_number(const nlohmann::ordered_json& value, const std::string& name,
                   double low = -std::numeric_limits<double>::infinity(),
                   double high = std::numeric_limits<double>::infinity());
int64_t json_whole(const nlohmann::ordered_json& value, const std::string& name,
                   int64_t low = std::numeric_limits<int64_t>::min(),
                   int64_t high = std::numeric_limits<int64_t>::max());
bool json_truth(const nlohmann::ordered_json& value, const std::string& name);
std::string json_text_value(const nlohmann::ordered_json& value, const std::string& name);
/// The index of the value in `names`.
size_t json_choice(const nlohmann::ordered_json& value, const std::string& name, std::span<const char* const> names);
/// The value, a list of `count` values.
const nlohmann::ordered_json& json_list(const nlohmann::ordered_json& value, const char* name, size_t count);

}  // namespace zsr
