#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace zsr::cli {

/// Which pictures of a file with several are wanted: --pages.
class PageChoice {
 public:
  /// Only the first, whatever there is.
  PageChoice() = default;
  /// `text`: "first", "all", or numbers from 1 and ranges with commas, "1,3-5". Throws UsageError.
  explicit PageChoice(const std::string& text);

  bool is_first() const { return !all_ && ranges_.empty(); }
  /// True where it may stand for more than one picture.
  bool may_be_several() const;
  /// The pages, from 0, of a file that has `pages`. Throws InputError naming `name` where it has not that many.
  std::vector<int64_t> of(int64_t pages, const std::string& name) const;

 private:
  bool all_ = false;
  std::vector<std::pair<int64_t, int64_t>> ranges_;  // first and last, from 1
};

}  // namespace zsr::cli
