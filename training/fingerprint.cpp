#include "training/fingerprint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace zsr::training {

std::string differences(const nlohmann::ordered_json& there, const nlohmann::ordered_json& here) {
  std::vector<std::string> words;
  const auto value = [](const nlohmann::ordered_json& of, const std::string& name) {
    if (!of.contains(name)) return std::string("none");
    return of.at(name).is_string() ? of.at(name).get<std::string>() : of.at(name).dump();
  };
  nlohmann::ordered_json names = there;
  names.update(here);
  for (const auto& [name, unused] : names.items()) {
    const std::string before = value(there, name);
    const std::string now = value(here, name);
    if (before != now) words.push_back(fmt::format("{} {} instead of {}", name, before, now));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace zsr::training
