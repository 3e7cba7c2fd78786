#pragma once

#include "cli/flags/common_flags.h"
#include "cli/flags/size_flags.h"
#include "cli/terminal/progress.h"
#include "cli/upscale/page_choice.h"
#include "image/photo.h"
#include "pipeline/request.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace zsr::cli {

/// Everything `zsr upscale` needs to know for one photo.
struct UpscaleSettings {
  pipeline::Request request;
  std::optional<SizeRequest> size_request;  ///< A size was named instead of a factor.
  ReadLimits limits;
  WriteOptions write;  ///< format is set per photo.
  PageChoice pages;
  std::string format;  ///< Empty: by the output's extension.
  // Files that are written beside the result, or empty.
  std::string save_kernel;
  std::string save_mask;
  std::string loss_log;
  std::string frames;  ///< Of Deep Image Prior: a folder, or a .webp file.
  std::optional<double> time_budget_s;
  bool keep_record = true;
  bool keep_time = false;  ///< The result gets the photo's time.
  CommonFlags common;
  Runtime runtime;
};

/// What the values of results mean, as far as that is known without the photo: those of HDR photos are HDR too.
inline DynamicRange result_range(const pipeline::Request& request) {
  return request.gives_hdr() ? DynamicRange::kHdr : DynamicRange::kSdr;
}
/// Likewise, of the result of `photo`.
inline DynamicRange result_range(const pipeline::Request& request, const Photo& photo) {
  return photo.range == DynamicRange::kHdr ? DynamicRange::kHdr : result_range(request);
}

/// Reads, enlarges and writes one photo; returns its record (the JSON that --json prints and that is stored beside the
/// result). `status` in it is 0 when all went well, 1 when the result is only the fallback.
nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& settings, ProgressPrinter& progress);

/// Where the record of `output` is stored.
std::filesystem::path record_path(const std::filesystem::path& output);

}  // namespace zsr::cli
