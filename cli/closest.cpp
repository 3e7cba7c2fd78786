#include "cli/closest.h"

#include <algorithm>
#include <utility>

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

std::vector<std::string> close_words(const std::string& word, const std::vector<std::string>& candidates, size_t most) {
  const size_t farthest = std::max<size_t>(2, word.size() / 3);
  std::vector<std::pair<size_t, std::string>> close;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance <= farthest) close.emplace_back(distance, candidate);
  }
  std::stable_sort(close.begin(), close.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(most, close.size()); ++i) words.push_back(close[i].second);
  return words;
}

std::string closest(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> words = close_words(word, candidates, 1);
  return words.empty() ? "" : words.front();
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
