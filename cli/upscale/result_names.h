#pragma once

#include "cli/upscale/upscale_job.h"

#include <filesystem>
#include <string>

namespace zsr::cli {

/// How results are called.
struct NameRule {
  std::string pattern;  ///< Of --name; empty: the default.
  std::string format;   ///< Of --format; empty: as the photo, where it can be written.
  std::string what;     ///< What was done: "x2", "w1024", "denoise", "restored"; {scale} in a pattern.
  std::string method;   ///< {method} in a pattern.
  bool pages = false;   ///< Several pages or frames may become one result.
  DynamicRange range = DynamicRange::kSdr;  ///< Of the results; HDR of a format that holds none becomes AVIF, or PNG.
};

/// `pattern` empty: no --name. Throws UsageError for unknown placeholders and for patterns that leave the folder.
NameRule name_rule(const UpscaleSettings& settings, const std::string& pattern);

/// Name of the result that lies beside the photo `input`.
std::filesystem::path beside_photo(const std::filesystem::path& input, const NameRule& rule);
/// Name inside the folder of the results, of the photo that lies at `relative` in the folder of the photos.
std::filesystem::path in_result_folder(const std::filesystem::path& relative, const NameRule& rule);

/// Gives `output` the time of the last change of `input`. Throws IoError.
void copy_file_time(const std::filesystem::path& input, const std::filesystem::path& output);

}  // namespace zsr::cli
