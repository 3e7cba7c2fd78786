#include "cli/upscale/touch_up.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr::cli {

void print_touch_up(const nlohmann::json& record) {
  if (record.contains("scratches")) {
    const auto& done = record["scratches"];
    const auto regions = done["regions"].get<int64_t>();
    if (regions == 0) {
      fmt::print(stderr, "no scratches {}\n", done["mask"] == "auto" ? "were found" : "are in the mask");
    } else {
      fmt::print(stderr,
                 "{} scratch{} or specks filled, {:.2f} % of the photo; --save-mask FILE shows them, "
                 "--scratches FILE takes a mask of yours\n",
                 regions, regions == 1 ? "" : "es", 100.0 * done["part"].get<double>());
    }
  }
  if (record.contains("tone")) {
    const auto& tone = record["tone"];
    const bool mono = tone["monochrome"].get<bool>();
    const double strength = tone["strength"].get<double>();
    fmt::print(stderr, "tone: {}{}\n",
               mono             ? "neutral gray instead of the tint"
               : strength > 0.0 ? "corrected"
                                : "neither faded nor yellowed, left as it was",
               strength > 0.0 ? fmt::format(" (gain {:.2f} {:.2f} {:.2f}, {:.2f} % of the samples clipped)",
                                            tone["gain"][0].get<double>(), tone["gain"][1].get<double>(),
                                            tone["gain"][2].get<double>(), 100.0 * tone["clipped"].get<double>())
                              : "");
  }
}

}  // namespace zsr::cli
