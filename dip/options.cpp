#include "dip/options.h"

#include "core/error.h"

#include <fmt/format.h>

namespace zsr::dip {
namespace {

template <typename T>
void require(bool good, const char* name, T value, const char* expected) {
  if (!good) throw OptionError(fmt::format("{} = {}, must be {}", name, value, expected));
}

}  // namespace

Task parse_task(std::string_view name) {
  for (const Task task : {Task::kSuperResolution, Task::kDenoise, Task::kJpeg, Task::kInpaint}) {
    if (name == to_string(task)) return task;
  }
  throw OptionError(fmt::format("task '{}' must be sr, denoise, jpeg or inpaint", name));
}

const char* to_string(Task task) {
  switch (task) {
    case Task::kSuperResolution:
      return "sr";
    case Task::kDenoise:
      return "denoise";
    case Task::kJpeg:
      return "jpeg";
    case Task::kInpaint:
      return "inpaint";
  }
  return "unknown";
}

void Options::validate() const {
  network.validate();
  const bool enlarges = task == Task::kSuperResolution;
  require(enlarges ? scale >= 2 && scale <= 16 : scale == 1, "scale", scale,
          enlarges ? "2 to 16 for super-resolution" : "1 for tasks that do not enlarge");
  if (kernel && !enlarges) throw OptionError("a blur kernel belongs to super-resolution");
  if (task == Task::kInpaint && !mask.defined()) throw OptionError("inpainting needs a mask");
  if (task != Task::kInpaint && mask.defined()) throw OptionError("a mask belongs to inpainting");
  require(steps > 0, "steps", steps, "> 0");
  require(learning_rate > 0.0, "learning_rate", learning_rate, "> 0");
  require(noise >= 0.0, "noise", noise, ">= 0");
  require(average >= 0.0 && average < 1.0, "average", average, "in [0, 1)");
  require(window > 1, "window", window, "> 1");
  require(patience > 0, "patience", patience, "> 0");
  require(tile == 0 || tile >= 2 * network.divisor(), "tile", tile, "0 or at least twice what the network divides by");
  require(overlap >= 0 && (tile == 0 || 2 * overlap < tile), "overlap", overlap, "0 to less than half of the tile");
  require(later_tiles > 0.0 && later_tiles <= 1.0, "later_tiles", later_tiles, "in (0, 1]");
}

// super-resolution.ipynb, denoising.ipynb and inpainting.ipynb of the release.
Options preset(Task task, int64_t scale, int64_t channels) {
  Options options;
  options.task = task;
  options.scale = task == Task::kSuperResolution ? scale : 1;
  options.network.outputs = channels;
  switch (task) {
    case Task::kSuperResolution:
      // Released for x4 and x8; others take the nearer.
      options.steps = scale > 4 ? 4000 : 2000;
      options.noise = scale > 4 ? 0.05 : 0.03;
      break;
    case Task::kDenoise:
      options.steps = 3000;
      options.noise = 1.0 / 30.0;
      break;
    case Task::kJpeg:
      options.steps = 2400;
      options.noise = 1.0 / 30.0;
      options.network.inputs = 3;
      options.network.down = options.network.up = {8, 16, 32, 64, 128};
      options.network.skip = {0, 0, 0, 4, 4};
      break;
    case Task::kInpaint:
      options.steps = 6000;
      options.network.skip = {128, 128, 128, 128, 128};
      options.network.bilinear = false;
      break;
  }
  return options;
}

}  // namespace zsr::dip
