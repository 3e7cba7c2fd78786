#pragma once

#include <cstdint>
#include <vector>

namespace zsr::training {

/// How a network whose scales double learns them one after another, as ProSR (Wang et al., CVPRW 2018): the smallest
/// alone, then one scale more at a time, whose result is blended from the enlarged result of the scale before until it
/// is whole. Each step's patches are of one scale, drawn from those that have joined.
struct ScaleGrowth {
  struct Join {
    int64_t from = 0;   ///< First step in which the scale is drawn.
    int64_t whole = 0;  ///< From this step on its result is its own; > from.
  };
  std::vector<Join> joins;  ///< Of the second scale, the third, ...; empty: all scales together from the beginning.

  /// As published, of `steps` in all: the second scale joins at 12 % and is whole at 25 %, the third at 45 % and 60 %.
  /// Throws OptionError for other numbers of scales than 2 and 3.
  static ScaleGrowth published(size_t scales, int64_t steps);
  /// How many scales, the smallest first, have joined by `step`.
  size_t joined(int64_t step) const;
  /// What the result of scale number `scale` (0 = the smallest) is of its own at `step`, in [0, 1].
  double own_part(size_t scale, int64_t step) const;
};

}  // namespace zsr::training
