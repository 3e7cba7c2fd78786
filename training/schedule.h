#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::training {

/// How the learning rate goes over a run.
struct ScheduleOptions {
  std::string name = "cosine";  ///< "cosine" (down a half cosine), "constant" or "steps" (halved at `milestones`).
  int64_t steps = 20000;        ///< > 0. Of the whole run.
  int64_t warm_up = 200;        ///< >= 0. Steps over which the rate rises.
  double floor = 0.01;          ///< In [0, 1]. Share of the rate that the cosine ends at.
  std::vector<double> milestones = {0.5, 0.8, 0.9, 0.95};  ///< Of "steps": shares of the run, rising, in (0, 1).
  /// Throws OptionError.
  void validate() const;
};

/// Share of the highest rate at `step`, counted from 0.
double rate_share(const ScheduleOptions& options, int64_t step);

}  // namespace zsr::training
