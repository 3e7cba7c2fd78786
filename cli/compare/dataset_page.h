#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::cli {

/// The overview of a benchmark's report (run_dataset): a table of means that sorts, one of every image with a link to
/// its page. Needs no network.
std::string dataset_page(const nlohmann::json& report);

/// A line for each run.
std::string dataset_csv(const nlohmann::json& report);

}  // namespace zsr::cli
