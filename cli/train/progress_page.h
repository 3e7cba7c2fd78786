#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::cli {

/// One value of a training log.
struct LossValue {
  int64_t step = 0;
  std::string name;  ///< E.g. "l1 up(lr) hr".
  double value = 0.0;
};

/// "step,name,value" lines, with a heading.
std::string log_csv(const std::vector<LossValue>& log);
/// What such a text holds of steps up to `last_step`; lines that are none are passed over.
std::vector<LossValue> read_log_csv(const std::string& text, int64_t last_step);

/// A page of one run: a curve for each loss, and the grid of samples `png` with the names of its rows. While `running`
/// it loads itself again every ten seconds.
std::string progress_page(const std::string& title, const std::vector<LossValue>& log, const std::string& png,
                          const std::vector<std::string>& rows, bool running);

}  // namespace zsr::cli
