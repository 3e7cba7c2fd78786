#include "cli/size_flags.h"

#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::cli {
namespace {

constexpr const char* kSizeFlags[] = {"width", "height", "long-side", "size", "megapixels"};

double parse_pixels(const std::string& text, const char* flag) {
  constexpr double kMost = 1e6;
  const double value = parse_number(text, flag);
  if (value < 1.0 || value > kMost || value != std::floor(value)) {
    throw UsageError(fmt::format("--{} '{}' must be a whole number of pixels, 1 to {:g}", flag, text, kMost));
  }
  return value;
}

}  // namespace

void add_size_flags(OptionSet& options, SizeFlags& flags) {
  options.add("width", "PIXELS", "Width of the result instead of -s; proportions are kept", &flags.width);
  options.add("height", "PIXELS", "Height of the result instead of -s", &flags.height);
  options.add("long-side", "PIXELS", "Longer side of the result instead of -s", &flags.long_side);
  options.add("size", "WIDTHxHEIGHT", "The result fits inside this, instead of -s", &flags.size);
  options.add("megapixels", "N", "Size of the result in millions of pixels instead of -s", &flags.megapixels);
}

std::optional<SizeRequest> SizeRequest::from(const SizeFlags& flags, const OptionSet& given) {
  std::string named;
  for (const char* const flag : kSizeFlags) {
    if (!given.given(flag)) continue;
    if (!named.empty()) throw UsageError(fmt::format("--{} and --{} exclude each other; name one", named, flag));
    named = flag;
  }
  if (named.empty()) return std::nullopt;
  SizeRequest request;
  std::string value;
  if (named == "width") {
    request.width_ = parse_pixels(value = flags.width, "width");
    request.label_ = "w" + value;
  } else if (named == "height") {
    request.height_ = parse_pixels(value = flags.height, "height");
    request.label_ = "h" + value;
  } else if (named == "long-side") {
    request.long_side_ = parse_pixels(value = flags.long_side, "long-side");
    request.label_ = "l" + value;
  } else if (named == "size") {
    value = flags.size;
    const size_t at = value.find_first_of("xX");
    if (at == std::string::npos)
      throw UsageError(fmt::format("--size '{}' must be WIDTHxHEIGHT, like 1024x768", value));
    request.width_ = parse_pixels(value.substr(0, at), "size");
    request.height_ = parse_pixels(value.substr(at + 1), "size");
    request.label_ = fmt::format("{:g}x{:g}", request.width_, request.height_);
  } else {
    value = flags.megapixels;
    request.pixels_ = parse_number(value, "megapixels") * 1e6;
    if (request.pixels_ < 1.0 || request.pixels_ > 1e12) {
      throw UsageError(fmt::format("--megapixels '{}' must be above 0", value));
    }
    request.label_ = value + "mp";
  }
  request.text_ = fmt::format("--{} {}", named, value);
  return request;
}

Size SizeRequest::of(Size photo, const std::string& name) const {
  const auto high = static_cast<double>(photo.height);
  const auto wide = static_cast<double>(photo.width);
  double factor = 0.0;
  if (width_ > 0.0) factor = width_ / wide;
  if (height_ > 0.0) factor = width_ > 0.0 ? std::min(factor, height_ / high) : height_ / high;
  if (long_side_ > 0.0) factor = long_side_ / std::max(high, wide);
  if (pixels_ > 0.0) factor = std::sqrt(pixels_ / (high * wide));
  const auto scaled = [&](double side) { return std::max<int64_t>(1, std::llround(side * factor)); };
  const Size size{scaled(high), scaled(wide)};
  if (size.height < photo.height || size.width < photo.width ||
      (size.height == photo.height && size.width == photo.width)) {
    throw InputError(fmt::format("'{}' is {}x{}; {} would make it {}x{}, which does not enlarge it", name, photo.width,
                                 photo.height, text_, size.width, size.height));
  }
  return size;
}

int64_t factor_for(Size photo, Size target, const std::vector<int64_t>& factors) {
  constexpr double kRounding = 1e-9;
  const double needed = std::max(static_cast<double>(target.height) / static_cast<double>(photo.height),
                                 static_cast<double>(target.width) / static_cast<double>(photo.width));
  for (const int64_t factor : factors) {
    if (static_cast<double>(factor) >= needed - kRounding) return factor;
  }
  return factors.back();
}

bool means_channels(const std::string& width, const std::string& command, const OptionSet& given,
                    std::optional<int64_t> photo_width) {
  constexpr std::array<const char*, 9> kTraining = {"depth",   "crop",      "batch", "warm-up",      "learning-rate",
                                                    "gradual", "optimizer", "beta2", "init-variance"};
  constexpr double kMostChannels = 256.0;
  if (!given.given("width") || (command != "zssr" && command != "upscale")) return false;
  const double value = parse_number(width, "width");
  const bool training =
      std::any_of(kTraining.begin(), kTraining.end(), [&](const char* flag) { return given.given(flag); });
  if (given.given("scale")) return command == "zssr" || training;
  if (training) return value <= kMostChannels;
  return command == "zssr" && photo_width && value <= static_cast<double>(*photo_width);
}

}  // namespace zsr::cli
