#pragma once

#include "cli/upscale/upscale_job.h"
#include "pipeline/upscale.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

// What upscale_photo() and upscale_pages() are made of.

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// The photo, or the one page of it that is wanted. The message about a damaged one names the flag that accepts it.
Photo read_input(const std::filesystem::path& input, const UpscaleSettings& settings);

/// How the result is written, and what it does not keep.
struct ResultPlan {
  WriteOptions write;
  int bit_depth = 8;
  std::vector<std::string> lost;
};

/// Makes the output's folder and throws IoError or UsageError where the output or its record cannot be written there.
void check_output_files(const std::filesystem::path& input, const std::filesystem::path& output,
                        const UpscaleSettings& settings);

/// All that can fail for the result fails here, before the minutes of work; what it cannot keep is said. `sequence`: of
/// several pages, or null. Adds to the photo's notes. Throws UsageError, InputError and IoError.
ResultPlan plan_result(const std::filesystem::path& input, const std::filesystem::path& output, Photo& photo,
                       const UpscaleSettings& settings, const Sequence* sequence);
/// Throws InputError where the result would be larger than --max-pixels, UsageError where its format cannot hold it.
void check_output_size(const Photo& photo, const std::filesystem::path& input, const UpscaleSettings& settings,
                       ImageFormat format);

/// The photo by the pipeline, with progress, frames and losses. `time_budget_s`: for this photo.
pipeline::Outcome run_pipeline(const std::filesystem::path& input, Photo photo, const UpscaleSettings& settings,
                               std::optional<double> time_budget_s, ProgressPrinter& progress);

/// A photo that was enlarged for --print states --dpi.
void state_print_resolution(Photo& photo, const UpscaleSettings& settings);

/// Seconds of the parts of a run.
struct RunTimes {
  double load = 0.0, train = 0.0, upscale = 0.0, save = 0.0, total = 0.0;
};
/// Adds to the record what holds for the whole result, and stores it beside that.
void finish_record(nlohmann::json& record, const std::filesystem::path& input, const std::filesystem::path& output,
                   const ResultPlan& plan, const RunTimes& times, const UpscaleSettings& settings);

}  // namespace zsr::cli
