#include "cli/flags/restore_flags.h"

#include "cli/flags/values.h"
#include "cli/terminal/usage_error.h"
#include "cli/upscale/mask_file.h"

#include <fmt/format.h>

#include <filesystem>

namespace zsr::cli {
namespace {

// A number from 0 to 1, or empty for "auto" and for a flag that was not given.
std::optional<double> fraction(const std::string& text, const char* flag) {
  if (text.empty() || text == "auto") return std::nullopt;
  const double value = parse_number(text, flag);
  if (!(value >= 0.0 && value <= 1.0)) throw UsageError(fmt::format("--{} '{}' must be auto or 0 to 1", flag, text));
  return value;
}

}  // namespace

std::string RestoreFlags::first_named() const {
  for (const auto& [name, value] : {std::pair{"--strength", &strength},
                                    {"--detail", &detail},
                                    {"--denoise", &denoise},
                                    {"--dejpeg", &dejpeg},
                                    {"--grain", &grain}}) {
    if (!value->empty()) return name;
  }
  if (!scratches.empty() && scratches != "off") return "--scratches";
  if (!save_mask.empty()) return "--save-mask";
  if (adapt) return "--adapt";
  if (!tone.empty() && tone != "off") return "--tone";
  return "";
}

void add_restore_flags(OptionSet& options, RestoreFlags& flags) {
  options.group("Restoration of noisy and compressed photos");
  options.add("strength", "auto|0..1", "0 = as if the photo were clean, 1 = fully restored. auto: by the damage seen",
              &flags.strength);
  options.add("detail", "0..1", "0 = smooth and faithful, 1 = crisp texture. Default: 0.3, at the photo's own size 0",
              &flags.detail);
  options.add("denoise", "auto|0..1", "Part of the measured noise to remove; 0 keeps it", &flags.denoise);
  options.add("dejpeg", "auto|0..1", "Part of the JPEG artefacts to remove; 0 keeps them", &flags.dejpeg);
  options.add("grain", "auto|keep|0..1", "Part of the removed grain to add again; auto: only of film grain",
              &flags.grain);
  options.flag(
      "adapt",
      "Fine-tunes the network on the photo first: 120 steps on smaller versions of it, damaged as it was; kept "
      "where a part that was held back becomes better. For sharp compressed photos; about 10 s",
      &flags.adapt);
  options.add("scratches", "off|auto|MASK",
              "Fills scratches and dust first: auto looks for them, MASK is an image as large as the photo (white is "
              "kept, black is filled). Default: off",
              &flags.scratches);
  options.add("save-mask", "FILE", "The mask that --scratches filled, to look at, to change and to name next time",
              &flags.save_mask);
  options.add("tone", "off|auto", "Last: corrects faded tones and the cast of yellowed prints. Default: off",
              &flags.tone);
}

void take_restore_flags(const RestoreFlags& flags, bool old_photo, const ReadLimits& limits,
                        pipeline::RestoreRequest& request) {
  using Scratches = pipeline::RestoreRequest::Scratches;
  request.strength = fraction(flags.strength, "strength");
  request.options.detail = fraction(flags.detail, "detail");
  request.options.denoise = fraction(flags.denoise, "denoise");
  request.options.dejpeg = fraction(flags.dejpeg, "dejpeg");
  request.options.adapt = flags.adapt;
  if (request.strength) request.options.strength_adapted = *request.strength;
  request.options.grain = flags.grain == "keep" ? std::optional(1.0) : fraction(flags.grain, "grain");
  if (flags.scratches == "auto" || (flags.scratches.empty() && old_photo)) {
    request.scratches = Scratches::kFound;
  } else if (!flags.scratches.empty() && flags.scratches != "off") {
    request.scratches = Scratches::kMask;
    request.mask_name = flags.scratches;
    if (!std::filesystem::exists(flags.scratches)) {
      throw UsageError(fmt::format("--scratches '{}' is neither off nor auto nor a file that exists", flags.scratches));
    }
    request.mask = read_mask(flags.scratches, limits);
  }
  if (!flags.save_mask.empty() && request.scratches == Scratches::kKept) {
    throw UsageError("--save-mask keeps the mask of --scratches auto or --scratches MASK; name one of them");
  }
  if (!flags.tone.empty() && flags.tone != "off" && flags.tone != "auto") {
    throw UsageError(fmt::format("--tone '{}' must be off or auto", flags.tone));
  }
  request.tone = flags.tone == "auto";
}

}  // namespace zsr::cli
