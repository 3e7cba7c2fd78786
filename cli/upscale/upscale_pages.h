#pragma once

#include "cli/terminal/progress.h"
#include "cli/upscale/upscale_job.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace zsr::cli {

/// upscale_photo() for several `pages`, from 0, of one file: one after the other, written as one file. The frames of an
/// animation all get what was chosen for the first of them. The record has "pages", one entry for each.
nlohmann::json upscale_pages(const std::filesystem::path& input, const std::filesystem::path& output,
                             const std::vector<int64_t>& pages, const UpscaleSettings& settings,
                             ProgressPrinter& progress);

}  // namespace zsr::cli
