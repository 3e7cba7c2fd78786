#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace zsr::training {

/// Notices that adversarial training has collapsed, by running means over some 100 steps of each judge.
class CollapseWatch {
 public:
  /// After a step of `judge`: its own loss as a fraction of what guessing costs, and the spread (standard deviation) of
  /// what was made and of what is real. Returns what has happened, as a sentence, or an empty text.
  std::string observe(const std::string& judge, double loss, double made_spread, double real_spread);

 private:
  struct Means {
    int64_t count = 0;
    double loss = 1.0;
    double spread = 1.0;  // of made over that of real
  };
  std::map<std::string, Means> means_;
};

}  // namespace zsr::training
