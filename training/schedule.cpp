#include "training/schedule.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::training {

void ScheduleOptions::validate() const {
  if (name != "cosine" && name != "constant" && name != "steps") {
    throw OptionError(fmt::format("schedule = '{}', must be cosine, constant or steps", name));
  }
  if (steps < 1) throw OptionError(fmt::format("steps = {}, must be > 0", steps));
  if (warm_up < 0) throw OptionError(fmt::format("warm_up = {}, must be >= 0", warm_up));
  if (!(floor >= 0.0) || floor > 1.0) throw OptionError(fmt::format("floor = {:g}, must be 0 to 1", floor));
  const bool inside = std::all_of(milestones.begin(), milestones.end(), [](double m) { return m > 0.0 && m < 1.0; });
  if (!inside || !std::is_sorted(milestones.begin(), milestones.end())) {
    throw OptionError("milestones must rise and lie between 0 and 1");
  }
}

double rate_share(const ScheduleOptions& options, int64_t step) {
  const double rise =
      options.warm_up > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up)) : 1.0;
  const double progress = std::min(1.0, static_cast<double>(step) / static_cast<double>(options.steps));
  if (options.name == "constant") return rise;
  if (options.name == "steps") {
    const auto passed = std::upper_bound(options.milestones.begin(), options.milestones.end(), progress);
    return rise * std::pow(0.5, static_cast<double>(passed - options.milestones.begin()));
  }
  return rise * (options.floor + (1.0 - options.floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

}  // namespace zsr::training
