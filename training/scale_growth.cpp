#include "training/scale_growth.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace zsr::training {

ScaleGrowth ScaleGrowth::published(size_t scales, int64_t steps) {
  // Wang et al. 2018, "growing steps" of the authors' code.
  constexpr std::array<std::array<double, 2>, 2> kFractions{{{0.12, 0.25}, {0.45, 0.6}}};
  if (scales < 2 || scales > kFractions.size() + 1) {
    throw OptionError(fmt::format("{} scale(s) cannot be learnt one after another, must be 2 or 3", scales));
  }
  ScaleGrowth growth;
  for (size_t i = 0; i + 1 < scales; ++i) {
    const auto at = [&](double fraction) { return static_cast<int64_t>(fraction * static_cast<double>(steps)); };
    const int64_t from = at(kFractions[i][0]);
    growth.joins.push_back({from, std::max(from + 1, at(kFractions[i][1]))});
  }
  return growth;
}

size_t ScaleGrowth::joined(int64_t step) const {
  const auto has_joined = [&](const Join& join) { return step >= join.from; };
  return 1 + static_cast<size_t>(std::count_if(joins.begin(), joins.end(), has_joined));
}

double ScaleGrowth::own_part(size_t scale, int64_t step) const {
  if (scale == 0 || scale > joins.size()) return 1.0;
  const Join& join = joins[scale - 1];
  const double part = static_cast<double>(step - join.from) / static_cast<double>(join.whole - join.from);
  return std::clamp(part, 0.0, 1.0);
}

}  // namespace zsr::training
