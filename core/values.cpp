#include "core/values.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace zsr {

double leading_number(const std::string& text, std::string& rest) {
  char* end = nullptr;
  const bool plain = !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || text[0] == '.' ||
                                       text[0] == '-' || text[0] == '+');
  const double value = plain ? std::strtod(text.c_str(), &end) : std::nan("");
  rest = plain ? std::string(end) : text;
  return plain && end != text.c_str() ? value : std::nan("");
}

double parse_duration(const std::string& text, const std::string& flag) {
  std::string unit;
  const double value = leading_number(text, unit);
  double factor = std::nan("");
  if (unit.empty() || unit == "s") factor = 1.0;
  if (unit == "m" || unit == "min") factor = 60.0;
  if (unit == "h") factor = 3600.0;
  if (!std::isfinite(value * factor) || value <= 0.0) {
    throw OptionError(fmt::format("--{} '{}' is not a duration; use 90, 60s, 5m or 1h", flag, text));
  }
  return value * factor;
}

int64_t parse_count(const std::string& text, const std::string& flag) {
  std::string unit;
  const double value = leading_number(text, unit);
  double factor = std::nan("");
  if (unit.empty()) factor = 1.0;
  if (unit == "k" || unit == "K") factor = 1e3;
  if (unit == "M" || unit == "MP") factor = 1e6;
  if (unit == "G") factor = 1e9;
  const double count = value * factor;
  if (!(count >= 1.0 && count <= 9e15)) {
    throw OptionError(fmt::format("--{} '{}' is not a count; use 200000000, 200M or 0.2G", flag, text));
  }
  return static_cast<int64_t>(count);
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

double parse_number(const std::string& text, const std::string& flag) {
  std::string rest;
  const double value = leading_number(text, rest);
  if (!std::isfinite(value) || !rest.empty()) throw OptionError(fmt::format("--{} '{}' is not a number", flag, text));
  return value;
}

}  // namespace zsr
