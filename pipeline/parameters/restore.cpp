#include "core/error.h"
#include "pipeline/mask_file.h"
#include "pipeline/parameters/parameter.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>

// The restoration of noisy and compressed photos, and what is mended before and after it.
namespace zsr::pipeline {
namespace {

constexpr const char* kRestoreGroup = "Restoration of noisy and compressed photos";

using Scratches = RestoreRequest::Scratches;

// A number from 0 to 1, or empty for "auto".
std::optional<double> fraction(const Typed& typed, const std::string& name) {
  const std::string& text = typed.values.text(name);
  if (text == "auto") return std::nullopt;
  const double value = typed.values.number(name, -std::numeric_limits<double>::infinity());
  if (!(value >= 0.0 && value <= 1.0)) throw OptionError(fmt::format("--{} '{}' must be auto or 0 to 1", name, text));
  return value;
}

void take_strength(const Typed& typed, Request& request) {
  request.restore.strength = fraction(typed, "strength");
  if (request.restore.strength) request.restore.options.strength_adapted = *request.restore.strength;
}

void take_grain(const Typed& typed, Request& request) {
  request.restore.options.grain = typed.values.text("grain") == "keep" ? std::optional(1.0) : fraction(typed, "grain");
}

void take_scratches(const Typed& typed, Request& request) {
  const std::string& text = typed.values.text("scratches");
  if (text == "off") {
    request.restore.scratches = Scratches::kKept;
  } else if (text == "auto") {
    request.restore.scratches = Scratches::kFound;
  } else {
    if (!std::filesystem::exists(text)) {
      throw OptionError(fmt::format("--scratches '{}' is neither off nor auto nor a file that exists", text));
    }
    request.restore.scratches = Scratches::kMask;
    request.restore.mask_name = text;
    request.restore.mask = read_mask(text, typed.limits);
  }
}

void take_save_mask(const Typed&, Request& request) {
  if (request.restore.scratches == Scratches::kKept) {
    throw OptionError("--save-mask keeps the mask of --scratches auto or --scratches MASK; name one of them");
  }
}

const char* name_of(Scratches scratches) {
  switch (scratches) {
    case Scratches::kKept:
      return "kept";
    case Scratches::kFound:
      return "auto";
    case Scratches::kMask:
      return "mask";
  }
  return "";
}

Parameter restore_row(const char* names, const char* value, const char* help, void (*take)(const Typed&, Request&),
                      const char* field, nlohmann::json (*given)(const Run&)) {
  return {.names = names,
          .value = value,
          .help = help,
          .group = kRestoreGroup,
          .setting = Setting::kRestoration,
          .take = take,
          .field = field,
          .given = given};
}

}  // namespace

std::vector<Parameter> restore_parameters() {
  Parameter strength = restore_row(
      "strength", "auto|0..1", "0 = as if the photo were clean, 1 = fully restored. auto: by the damage seen",
      take_strength, "strength", [](const Run& run) { return or_null(run.asked.restore.strength); });
  strength.chosen = [](const Run& run) { return nlohmann::json(run.chosen.restore.options.strength); };
  return {
      std::move(strength),
      restore_row(
          "detail", "0..1", "0 = smooth and faithful, 1 = crisp texture. Default: 0.3, at the photo's own size 0",
          [](const Typed& typed, Request& request) { request.restore.options.detail = fraction(typed, "detail"); },
          "detail", [](const Run& run) { return or_null(run.asked.restore.options.detail); }),
      restore_row(
          "denoise", "auto|0..1", "Part of the measured noise to remove; 0 keeps it",
          [](const Typed& typed, Request& request) { request.restore.options.denoise = fraction(typed, "denoise"); },
          "denoise", [](const Run& run) { return or_null(run.asked.restore.options.denoise); }),
      restore_row(
          "dejpeg", "auto|0..1", "Part of the JPEG artefacts to remove; 0 keeps them",
          [](const Typed& typed, Request& request) { request.restore.options.dejpeg = fraction(typed, "dejpeg"); },
          "dejpeg", [](const Run& run) { return or_null(run.asked.restore.options.dejpeg); }),
      restore_row("grain", "auto|keep|0..1", "Part of the removed grain to add again; auto: only of film grain",
                  take_grain, "grain", [](const Run& run) { return or_null(run.asked.restore.options.grain); }),
      restore_row(
          "adapt", "",
          "Fine-tunes the network on the photo first: 120 steps on smaller versions of it, damaged as it was; kept "
          "where a part that was held back becomes better. For sharp compressed photos; about 10 s",
          [](const Typed&, Request& request) { request.restore.options.adapt = true; }, "adapt",
          [](const Run& run) { return nlohmann::json(run.asked.restore.options.adapt); }),
      restore_row(
          "scratches", "off|auto|MASK",
          "Fills scratches and dust first: auto looks for them, MASK is an image as large as the photo (white is kept, "
          "black is filled). Default: off",
          take_scratches, "scratches",
          [](const Run& run) { return nlohmann::json(name_of(run.asked.restore.scratches)); }),
      restore_row("save-mask", "FILE", "The mask that --scratches filled, to look at, to change and to name next time",
                  take_save_mask, "", nullptr),
      restore_row(
          "tone", "off|auto", "Last: corrects faded tones and the cast of yellowed prints. Default: off",
          [](const Typed& typed, Request& request) {
            request.restore.tone = typed.values.choice("tone", {"off", "auto"}) == 1;
          },
          "tone", [](const Run& run) { return nlohmann::json(run.asked.restore.tone); }),
  };
}

}  // namespace zsr::pipeline
