#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zsr {

// Values as people type them. Each function throws OptionError that names `flag`.

/// "90", "90s", "1.5m", "2h" -> seconds, > 0.
double parse_duration(const std::string& text, const std::string& flag);

/// "12", "12.5M", "2G" -> a count, 1 or more.
int64_t parse_count(const std::string& text, const std::string& flag);

/// A finite number.
double parse_number(const std::string& text, const std::string& flag);

/// The parts of a list with commas between them; empty ones where commas meet, none for an empty list.
std::vector<std::string> split_list(const std::string& list);

/// The number at the start of `text`; `rest` gets what follows. NaN when there is none.
double leading_number(const std::string& text, std::string& rest);

}  // namespace zsr
