#include "pipeline/parameters/parameter_values.h"

#include "core/error.h"
#include "core/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace zsr::pipeline {
namespace {

// "from 0 to 255", or "0 or more".
template <typename Number>
std::string range_text(Number least, Number most) {
  return most == std::numeric_limits<Number>::max() || std::isinf(static_cast<double>(most))
             ? fmt::format("{} or more", least)
             : fmt::format("from {} to {}", least, most);
}

}  // namespace

void ParameterValues::set(const std::string& name, std::string text) {
  values_[name] = std::move(text);
}

bool ParameterValues::has(const std::string& name) const {
  return values_.contains(name);
}

const std::string& ParameterValues::text(const std::string& name) const {
  static const std::string empty;
  const auto found = values_.find(name);
  return found == values_.end() ? empty : found->second;
}

std::vector<std::string> ParameterValues::names() const {
  std::vector<std::string> names;
  for (const auto& [name, text] : values_) names.push_back(name);
  return names;
}

double ParameterValues::number(const std::string& name, double least, double most) const {
  const double value = parse_number(text(name), name);
  if (value < least || value > most) {
    throw OptionError(fmt::format("--{} {} must be {}", name, text(name), range_text(least, most)));
  }
  return value;
}

int64_t ParameterValues::whole(const std::string& name, int64_t least, int64_t most) const {
  constexpr double kMost = 9e15;  // a double still knows every whole number below
  const double value = parse_number(text(name), name);
  if (value != std::floor(value) || std::abs(value) > kMost || static_cast<int64_t>(value) < least ||
      static_cast<int64_t>(value) > most) {
    throw OptionError(fmt::format("--{} {} must be a whole number{} {}", name, text(name),
                                  most == std::numeric_limits<int64_t>::max() ? "," : "", range_text(least, most)));
  }
  return static_cast<int64_t>(value);
}

size_t ParameterValues::choice(const std::string& name, std::initializer_list<const char*> choices) const {
  const auto* const found =
      std::find_if(choices.begin(), choices.end(), [&](const char* choice) { return text(name) == choice; });
  if (found != choices.end()) return static_cast<size_t>(found - choices.begin());
  std::string list;
  size_t left = choices.size();
  for (const char* choice : choices) {
    if (!list.empty()) list += left == 1 ? " or " : ", ";
    list += choice;
    --left;
  }
  throw OptionError(fmt::format("--{} '{}' must be {}", name, text(name), list));
}

bool ParameterValues::is_on(const std::string& name) const {
  const std::string& typed = text(name);
  if (typed == "on" || typed == "yes" || typed == "1") return true;
  if (typed == "off" || typed == "no" || typed == "0") return false;
  throw OptionError(fmt::format("--{} '{}' must be on or off", name, typed));
}

}  // namespace zsr::pipeline
