#pragma once

#include "cli/compare/method_result.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace zsr::cli {

/// A comparison over a benchmark.
struct DatasetOptions {
  std::filesystem::path benchmark;  ///< As datasets/benchmark_layout.h finds it.
  std::filesystem::path output;     ///< Folder of the report; what it holds already is not made again.
  int64_t scale = 2;
  std::vector<MethodSpec> specs;
  int64_t seeds = 1;  ///< Runs of each method, seeds from `first_seed` on.
  int64_t first_seed = 0;
  MethodRuns runs;  ///< folder, kernel_file and the seed are set here.
  FigureTools tools;
  size_t crops = 3;
  bool quiet = false;
};

/// Runs every method on every image, keeping each result and its record at once, so that a stopped run goes on where it
/// was: a record is taken again only when program, settings, photo and kernel are the same. Writes output/index.html, a
/// page for each image, report.json and report.csv. Returns the report. Throws InputError and IoError.
nlohmann::json run_dataset(const DatasetOptions& options, const std::string& footer);

/// Mean of each figure of each method over all images and seeds, and, of several seeds, the standard deviation of their
/// means. `records`: [{"method", "image", "seed", "status", "figures"}, ...].
nlohmann::json summarise(const nlohmann::json& records, const std::vector<MethodSpec>& specs);

}  // namespace zsr::cli
