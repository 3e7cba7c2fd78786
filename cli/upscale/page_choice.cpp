#include "cli/upscale/page_choice.h"

#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/values.h"

#include <fmt/format.h>

#include <charconv>

namespace zsr::cli {
namespace {

int64_t page_number(std::string_view text, const std::string& whole) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) {
    throw UsageError(fmt::format("--pages '{}' must be first, all, or numbers from 1 and ranges, as in 1,3-5", whole));
  }
  return value;
}

}  // namespace

PageChoice::PageChoice(const std::string& text) {
  if (text.empty() || text == "first") return;
  all_ = text == "all";
  if (all_) return;
  for (const std::string& part : split_list(text)) {
    const size_t dash = part.find('-');
    const int64_t first = page_number(std::string_view(part).substr(0, dash), text);
    const int64_t last = dash == std::string::npos ? first : page_number(std::string_view(part).substr(dash + 1), text);
    if (last < first || (!ranges_.empty() && first <= ranges_.back().second)) {
      throw UsageError(fmt::format("--pages '{}': pages must rise", text));
    }
    ranges_.emplace_back(first, last);
  }
}

bool PageChoice::may_be_several() const {
  return all_ || ranges_.size() > 1 || (!ranges_.empty() && ranges_[0].second > ranges_[0].first);
}

std::vector<int64_t> PageChoice::of(int64_t pages, const std::string& name) const {
  std::vector<int64_t> chosen;
  if (is_first()) return {0};
  if (all_) {
    for (int64_t page = 0; page < pages; ++page) chosen.push_back(page);
    return chosen;
  }
  for (const auto& [first, last] : ranges_) {
    if (last > pages) {
      throw InputError(
          fmt::format("'{}' has {} page{}, --pages asks for page {}", name, pages, pages == 1 ? "" : "s", last));
    }
    for (int64_t page = first; page <= last; ++page) chosen.push_back(page - 1);
  }
  return chosen;
}

}  // namespace zsr::cli
