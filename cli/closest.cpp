#include "cli/closest.h"

#include <algorithm>

namespace zsr::cli {
namespace {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string closest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string option_guess(const std::string& option, const std::vector<std::string>& names) {
  if (option.rfind("--", 0) != 0) return "";
  const std::string best = closest(option.substr(2, option.find('=') - 2), names);
  return best.empty() ? "" : ", did you mean '--" + best + "'?";
}

std::string unknown_command(const std::string& name, const std::vector<std::string>& names) {
  const std::string best = closest(name, names);
  return "unknown command '" + name + "'" + (best.empty() ? "" : ", did you mean '" + best + "'?") +
         "; 'zsr help' lists the commands";
}

}  // namespace zsr::cli
