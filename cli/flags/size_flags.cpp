#include "cli/flags/size_flags.h"

#include "cli/batch/batch_flags.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/values.h"
#include "pipeline/methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace zsr::cli {
namespace {

constexpr const char* kSizeFlags[] = {"width", "height", "long-side", "size", "megapixels", "print"};

double parse_pixels(const std::string& text, const char* flag) {
  constexpr double kMost = 1e6;
  const double value = parse_number(text, flag);
  if (value < 1.0 || value > kMost || value != std::floor(value)) {
    throw UsageError(fmt::format("--{} '{}' must be a whole number of pixels, 1 to {:g}", flag, text, kMost));
  }
  return value;
}

struct Pair {
  double width = 0.0;
  double height = 0.0;
};

// "WIDTHxHEIGHT".
std::pair<std::string, std::string> split_pair(const std::string& text, const char* flag, const char* example) {
  const size_t at = text.find_first_of("xX");
  if (at == std::string::npos) {
    throw UsageError(fmt::format("--{} '{}' must be WIDTHxHEIGHT, like {}", flag, text, example));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

// "30x20cm", "12x8in", "300x200mm" at `dpi`, in pixels.
Pair parse_print(const std::string& text, double dpi) {
  constexpr double kMmPerInch = 25.4;
  constexpr double kMostPixels = 1e6;
  double inches = 1.0;
  std::string sides = text;
  const std::string unit = text.size() > 2 ? text.substr(text.size() - 2) : "";
  if (unit == "cm") {
    inches = 10.0 / kMmPerInch;
  } else if (unit == "mm") {
    inches = 1.0 / kMmPerInch;
  } else if (unit != "in") {
    throw UsageError(fmt::format("--print '{}' must end in cm, mm or in, like 30x20cm", text));
  }
  sides.resize(sides.size() - 2);
  if (!(dpi >= 1.0 && dpi <= 10000.0)) throw UsageError(fmt::format("--dpi {:g} must be from 1 to 10000", dpi));
  const auto [width, height] = split_pair(sides, "print", "30x20cm");
  const Pair pixels{std::round(parse_number(width, "print") * inches * dpi),
                    std::round(parse_number(height, "print") * inches * dpi)};
  if (!(pixels.width >= 1.0 && pixels.height >= 1.0 && std::max(pixels.width, pixels.height) <= kMostPixels)) {
    throw UsageError(
        fmt::format("--print '{}' at {:g} dpi is not a size of 1 to {:g} pixels a side", text, dpi, kMostPixels));
  }
  return pixels;
}

}  // namespace

void add_size_flags(OptionSet& options, SizeFlags& flags) {
  options.add("width", "PIXELS", "Width of the result instead of -s; proportions are kept", &flags.width);
  options.add("height", "PIXELS", "Height of the result instead of -s", &flags.height);
  options.add("long-side", "PIXELS", "Longer side of the result instead of -s", &flags.long_side);
  options.add("size", "WIDTHxHEIGHT", "The result fits inside this, instead of -s", &flags.size);
  options.flag("crop", "With --size or --print: fills it and cuts what stands over from both sides", &flags.crop);
  options.flag("stretch", "With --size or --print: fills it and changes the proportions", &flags.stretch);
  options.add("print", "WIDTHxHEIGHTcm", "Size on paper (cm, mm or in) at --dpi, instead of -s", &flags.print);
  options.add("dpi", "N", "Of --print, dots per inch", &flags.dpi);
  options.flag("exact-scale", "Refuse a factor that the network does not have, instead of resampling its result",
               &flags.exact_scale);
  options.add("megapixels", "N", "Size of the result in millions of pixels instead of -s", &flags.megapixels);
}

std::optional<SizeRequest> SizeRequest::from(const SizeFlags& flags, const OptionSet& given) {
  std::string named;
  for (const char* const flag : kSizeFlags) {
    if (!given.given(flag)) continue;
    if (!named.empty()) throw UsageError(fmt::format("--{} and --{} exclude each other; name one", named, flag));
    named = flag;
  }
  const bool box = named == "size" || named == "print";
  for (const char* const flag : {"crop", "stretch", "dpi"}) {
    if (!given.given(flag)) continue;
    const bool is_dpi = std::string_view(flag) == "dpi";
    if (is_dpi ? named == "print" : box) continue;
    throw UsageError(fmt::format("--{} goes with {}", flag, is_dpi ? "--print" : "--size or --print"));
  }
  if (flags.crop && flags.stretch) throw UsageError("--crop and --stretch exclude each other; name one");
  if (named.empty()) return std::nullopt;
  SizeRequest request;
  const std::string value = request.take(named, flags);
  request.crop_ = flags.crop;
  request.stretch_ = flags.stretch;
  request.text_ = fmt::format("--{} {}", named, value);
  return request;
}

std::string SizeRequest::take(const std::string& named, const SizeFlags& flags) {
  if (named == "width") {
    width_ = parse_pixels(flags.width, "width");
    label_ = "w" + flags.width;
    return flags.width;
  }
  if (named == "height") {
    height_ = parse_pixels(flags.height, "height");
    label_ = "h" + flags.height;
    return flags.height;
  }
  if (named == "long-side") {
    long_side_ = parse_pixels(flags.long_side, "long-side");
    label_ = "l" + flags.long_side;
    return flags.long_side;
  }
  if (named == "size") {
    const auto [width, height] = split_pair(flags.size, "size", "1024x768");
    width_ = parse_pixels(width, "size");
    height_ = parse_pixels(height, "size");
    label_ = fmt::format("{:g}x{:g}", width_, height_);
    return flags.size;
  }
  if (named == "print") {
    const Pair pixels = parse_print(flags.print, flags.dpi);
    width_ = pixels.width;
    height_ = pixels.height;
    dpi_ = flags.dpi;
    label_ = flags.print;
    return flags.print;
  }
  constexpr double kMost = 1e12;
  pixels_ = parse_number(flags.megapixels, "megapixels") * 1e6;
  if (pixels_ < 1.0 || pixels_ > kMost) {
    throw UsageError(fmt::format("--megapixels '{}' must be above 0", flags.megapixels));
  }
  label_ = flags.megapixels + "mp";
  return flags.megapixels;
}

Size SizeRequest::of(Size photo, const std::string& name) const {
  const auto high = static_cast<double>(photo.height);
  const auto wide = static_cast<double>(photo.width);
  double factor = 0.0;
  if (width_ > 0.0) factor = width_ / wide;
  if (height_ > 0.0) {
    const double other = height_ / high;
    factor = width_ == 0.0 ? other : crop_ ? std::max(factor, other) : std::min(factor, other);
  }
  if (long_side_ > 0.0) factor = long_side_ / std::max(high, wide);
  if (pixels_ > 0.0) factor = std::sqrt(pixels_ / (high * wide));
  const auto scaled = [&](double side) { return std::max<int64_t>(1, std::llround(side * factor)); };
  const Size size = stretch_ ? Size{std::llround(height_), std::llround(width_)} : Size{scaled(high), scaled(wide)};
  if (size.height < photo.height || size.width < photo.width ||
      (size.height == photo.height && size.width == photo.width)) {
    throw InputError(fmt::format("'{}' is {}x{}; {} would make it {}x{}, which does not enlarge it", name, photo.width,
                                 photo.height, text_, size.width, size.height));
  }
  return size;
}

Size SizeRequest::kept(Size enlarged) const {
  if (!crop_) return enlarged;
  return {std::min<int64_t>(enlarged.height, std::llround(height_)),
          std::min<int64_t>(enlarged.width, std::llround(width_))};
}

std::vector<std::string> with_new_names(std::vector<std::string> arguments) {
  const auto is_number = [](const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool joined = arguments[i].starts_with("--crop=");
    const bool apart = arguments[i] == "--crop" && i + 1 < arguments.size() && is_number(arguments[i + 1]);
    if (!joined && !apart) continue;
    arguments[i].replace(0, std::string_view("--crop").size(), "--training-crop");
    if (!in_worker()) fmt::print(stderr, "zsr: warning: the training crop is called --training-crop now\n");
  }
  return arguments;
}

bool means_channels(const std::string& width, const std::string& command, const OptionSet& given,
                    std::optional<int64_t> photo_width) {
  constexpr std::array<const char*, 9> kTraining = {
      "depth", "training-crop", "batch", "warm-up", "learning-rate", "gradual", "optimizer", "beta2", "init-variance"};
  constexpr double kMostChannels = 256.0;
  const bool by_name = command == pipeline::methods_with(pipeline::Setting::kZssrNetwork).front();
  if (!given.given("width") || (!by_name && command != "upscale")) return false;
  const double value = parse_number(width, "width");
  const bool training =
      std::any_of(kTraining.begin(), kTraining.end(), [&](const char* flag) { return given.given(flag); });
  if (given.given("scale")) return by_name || training;
  if (training) return value <= kMostChannels;
  return by_name && photo_width && value <= static_cast<double>(*photo_width);
}

}  // namespace zsr::cli
