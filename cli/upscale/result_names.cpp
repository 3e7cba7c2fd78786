#include "cli/upscale/result_names.h"

#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/files.h"
#include "core/values.h"
#include "pipeline/methods.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// {stem} and its like by their values; "{{" and "}}" are braces. Throws UsageError.
std::string expand(const std::string& pattern, const std::map<std::string, std::string>& values) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
      text += c;
      ++i;
    } else if (c == '{') {
      const size_t end = pattern.find('}', i);
      const auto found = values.find(pattern.substr(i + 1, end == std::string::npos ? end : end - i - 1));
      if (end == std::string::npos || found == values.end()) {
        throw UsageError(fmt::format(
            "--name '{}': braces hold one of stem, ext, scale and method, as in '{{stem}}_x2{{ext}}'", pattern));
      }
      text += found->second;
      i = end;
    } else {
      text += c;
    }
  }
  return text;
}

// Without its dot; empty: as the photo's. What cannot be written becomes PNG. So does a GIF, whose 256 colours would be
// too few, or WebP where its frames are wanted.
std::string other_extension(const fs::path& input, const NameRule& rule) {
  if (!rule.format.empty()) return rule.format;
  if (!input.has_extension()) return "png";
  try {
    const ImageFormat format = format_from_name(input);
    if (rule.range == DynamicRange::kHdr) {
      if (is_writable(format, rule.range)) return "";
      return is_writable(ImageFormat::kAvif, rule.range) ? "avif" : "png";
    }
    if (format == ImageFormat::kGif) return rule.pages ? "webp" : "png";
    if (format == ImageFormat::kExr) return "";  // it is HDR, and stays
    return is_writable(format) ? "" : "png";
  } catch (const OptionError&) {
    return "png";  // camera raw
  }
}

// With its dot.
std::string extension_of(const fs::path& input, const NameRule& rule) {
  const std::string other = other_extension(input, rule);
  return other.empty() ? input.extension().string() : "." + other;
}

std::string expanded(const fs::path& input, const NameRule& rule) {
  return expand(rule.pattern, {{"stem", input.stem().string()},
                               {"ext", extension_of(input, rule)},
                               {"scale", rule.what.starts_with("x") ? rule.what.substr(1) : rule.what},
                               {"method", rule.method}});
}

}  // namespace

NameRule name_rule(const UpscaleSettings& settings, const std::string& pattern) {
  const Scale scale = settings.request.target_scale.value_or(settings.request.scale);
  const bool same_size = scale.y == 1.0 && scale.x == 1.0;
  NameRule rule{pattern, settings.format, fmt::format("x{}", format_scale(scale)),
                pipeline::first_method(settings.request)};
  if (settings.size_request) {
    rule.what = settings.size_request->label();
  } else if (same_size) {
    const pipeline::Method& method = *pipeline::find_method(rule.method);
    rule.what = method.uses(pipeline::Setting::kTask) ? dip::to_string(settings.request.dip.task) : "restored";
  }
  rule.pages = settings.pages.may_be_several();
  rule.range = result_range(settings.request);
  if (pattern.empty()) return rule;
  const std::string example = expanded("photo.png", rule);
  if (example.empty() || example.find('/') != std::string::npos || example == "." || example == "..") {
    throw UsageError(fmt::format("--name '{}' must be the name of a file, without folders", pattern));
  }
  if (!fs::path(example).has_extension()) {
    throw UsageError(fmt::format("--name '{}' has no extension; end it in {{ext}} or .png", pattern));
  }
  if (const ImageFormat format = format_from_name(example);
      !is_writable(format, rule.range) && !is_writable(format, DynamicRange::kHdr)) {
    throw UsageError(fmt::format("--name '{}': {}", pattern, why_not_writable(format, rule.range)));
  }
  return rule;
}

fs::path beside_photo(const fs::path& input, const NameRule& rule) {
  if (!rule.pattern.empty()) return input.parent_path() / expanded(input, rule);
  const std::string extension = extension_of(input, rule);
  return input.parent_path() / fmt::format("{}_{}{}", input.stem().string(), rule.what, extension);
}

fs::path in_result_folder(const fs::path& relative, const NameRule& rule) {
  if (!rule.pattern.empty()) return relative.parent_path() / expanded(relative, rule);
  fs::path name = relative;
  const std::string other = relative.has_extension() || !rule.format.empty() ? other_extension(relative, rule) : "";
  if (!other.empty()) name.replace_extension(other);
  return name;
}

void copy_file_time(const fs::path& input, const fs::path& output) {
  struct stat status {};
  if (stat(input.c_str(), &status) != 0) {
    throw IoError(fmt::format("cannot read the time of '{}': {}", input.string(), system_error_text(errno)));
  }
  const timespec times[2] = {{0, UTIME_OMIT}, status.st_mtim};
  if (utimensat(AT_FDCWD, output.c_str(), times, 0) != 0) {
    throw IoError(fmt::format("cannot set the time of '{}': {}", output.string(), system_error_text(errno)));
  }
}

}  // namespace zsr::cli
