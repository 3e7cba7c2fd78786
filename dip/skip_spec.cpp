#include "dip/skip_spec.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::dip {
namespace {

// Hands out slices one behind the other.
class Counter {
 public:
  explicit Counter(int64_t& count) : count_(count) {}

  Slice take(std::vector<int64_t> shape) {
    Slice slice{count_, std::move(shape)};
    count_ += slice.count();
    return slice;
  }

  LayerSlices layer(int64_t in, int64_t out, int64_t filter) {
    LayerSlices slices;
    slices.weight = take({out, in, filter, filter});
    slices.bias = take({out});
    slices.gain = take({out});
    slices.shift = take({out});
    return slices;
  }

 private:
  int64_t& count_;
};

}  // namespace

int64_t Slice::count() const {
  int64_t product = 1;
  for (const int64_t side : shape) product *= side;
  return product;
}

int64_t SkipSpec::canvas(int64_t side) const {
  return std::max(2 * divisor(), (side + divisor() - 1) / divisor() * divisor());
}

void SkipSpec::validate() const {
  const size_t count = down.size();
  if (count < 1 || count > 8 || up.size() != count || skip.size() != count) {
    throw OptionError(fmt::format("{} levels down, {} up, {} skip branches: must be as many of each, 1 to 8", count,
                                  up.size(), skip.size()));
  }
  const auto in_range = [](int64_t low) { return [low](int64_t n) { return n >= low && n <= 512; }; };
  const bool good = std::all_of(down.begin(), down.end(), in_range(1)) &&
                    std::all_of(up.begin(), up.end(), in_range(1)) &&
                    std::all_of(skip.begin(), skip.end(), in_range(0)) && in_range(1)(inputs);
  if (!good) throw OptionError("channels of a skip network must be 1 to 512 (skip branches 0 to 512)");
  if (outputs != 1 && outputs != 3) throw OptionError(fmt::format("outputs = {}, must be 1 or 3", outputs));
  if (down_filter != 3 && down_filter != 5) {
    throw OptionError(fmt::format("down_filter = {}, must be 3 or 5", down_filter));
  }
}

SkipLayout::SkipLayout(const SkipSpec& spec) {
  Counter counter(count);
  for (int64_t i = 0; i < spec.levels(); ++i) {
    const auto at = static_cast<size_t>(i);
    LevelSlices level;
    const int64_t joint = spec.skip[at] + spec.enlarged(i);
    if (spec.skip[at] > 0) level.skip = counter.layer(spec.seen(i), spec.skip[at], 1);
    level.down = counter.layer(spec.seen(i), spec.down[at], spec.down_filter);
    if (spec.non_local && i > 1) {
      const int64_t whole = spec.down[at];
      const int64_t half = std::max<int64_t>(1, whole / 2);
      NonLocalSlices& block = level.non_local;
      block.value = counter.take({half, whole, 1, 1});
      block.value_bias = counter.take({half});
      block.key = counter.take({half, whole, 1, 1});
      block.key_bias = counter.take({half});
      block.query = counter.take({half, whole, 1, 1});
      block.query_bias = counter.take({half});
      block.back = counter.layer(half, whole, 1);
    }
    level.second = counter.layer(spec.down[at], spec.down[at], spec.down_filter);
    level.joint_gain = counter.take({joint});
    level.joint_shift = counter.take({joint});
    level.up = counter.layer(joint, spec.up[at], 3);
    if (spec.point_wise_up) level.point = counter.layer(spec.up[at], spec.up[at], 1);
    levels.push_back(std::move(level));
  }
  last = counter.take({spec.outputs, spec.up[0], 1, 1});
  last_bias = counter.take({spec.outputs});
}

}  // namespace zsr::dip
