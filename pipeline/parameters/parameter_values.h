#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// What a user named, as typed, by the names of parameters (parameter.h). The readers throw OptionError that names the
/// flag, its value and what it must be.
class ParameterValues {
 public:
  /// `text` is "on" for switches.
  void set(const std::string& name, std::string text);
  bool has(const std::string& name) const;
  /// Empty where it was not named.
  const std::string& text(const std::string& name) const;
  /// Names of all that were named, sorted.
  std::vector<std::string> names() const;

  double number(const std::string& name, double least, double most = std::numeric_limits<double>::infinity()) const;
  int64_t whole(const std::string& name, int64_t least, int64_t most = std::numeric_limits<int64_t>::max()) const;
  /// Index of the text in `choices`.
  size_t choice(const std::string& name, std::initializer_list<const char*> choices) const;
  /// "on", "yes", "1" or "off", "no", "0".
  bool is_on(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace zsr::pipeline
