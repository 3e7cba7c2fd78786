#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace zsr::cli {

/// What was left out of the comparison; one line for all images that it happened to.
class LeftOut {
 public:
  void add(const char* what, const std::string& image) { images_[what].push_back(image); }

  std::vector<std::string> lines() const {
    constexpr size_t kNamed = 3;
    std::vector<std::string> lines;
    for (const auto& [what, images] : images_) {
      const size_t named = std::min(kNamed, images.size());
      std::string line = fmt::format("{}: {}", what, fmt::join(images.begin(), images.begin() + named, ", "));
      if (images.size() > named) line += fmt::format(" and {} more", images.size() - named);
      lines.push_back(std::move(line));
    }
    return lines;
  }

 private:
  std::map<std::string, std::vector<std::string>> images_;
};

}  // namespace zsr::cli
