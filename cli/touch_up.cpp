#include "cli/touch_up.h"

#include "cli/mask_file.h"
#include "core/error.h"
#include "degradations/scratches.h"
#include "restore/scratch_fill.h"
#include "restore/tone.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::cli {

torch::Tensor fill_scratches_of(const torch::Tensor& color, const UpscaleSettings& settings, nlohmann::json& record) {
  const RestoreSettings& restore = settings.restore;
  if (restore.scratches == Scratches::kOff) return color;
  const bool proposed = restore.scratches == Scratches::kAuto;
  const torch::Tensor mask = proposed ? propose_mask(color) : read_mask(restore.mask, settings.limits);
  if (mask.size(2) != color.size(2) || mask.size(3) != color.size(3)) {
    throw InputError(fmt::format("--scratches '{}' is {}x{}, the photo {}x{}; they must be of one size", restore.mask,
                                 mask.size(3), mask.size(2), color.size(3), color.size(2)));
  }
  if (!mask.any().item<bool>()) {
    throw InputError(fmt::format("--scratches '{}' is black all over: white is kept, black is filled", restore.mask));
  }
  if (!restore.save_mask.empty()) write_mask(mask, restore.save_mask, settings.write.overwrite);
  const restore::FilledPhoto filled = restore::fill_scratches(color, mask);
  record["scratches"] = {
      {"mask", proposed ? "auto" : restore.mask}, {"regions", filled.regions}, {"part", filled.part}};
  return filled.image;
}

torch::Tensor correct_tone_of(const torch::Tensor& color, const UpscaleSettings& settings, nlohmann::json& record) {
  if (!settings.restore.tone) return color;
  const restore::Tone tone = restore::correct_tone(color);
  record["tone"] = to_json(tone);
  return tone.image;
}

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
