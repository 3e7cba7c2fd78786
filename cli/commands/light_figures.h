#pragma once

#include "cli/terminal/figures.h"
#include "image/photo.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::cli {

/// Whether `--metrics` names a measure of light: "hdr" or "linear".
bool is_light_metric(const std::string& metrics);
/// What the measure has to say.
std::vector<FigureColumn> light_columns(const std::string& metrics);
/// One line that states the protocol, for reports.
std::string light_protocol(const std::string& metrics, int64_t shave);
/// The figures of a result against its reference, which must be of one size. Throws InputError.
nlohmann::json light_figures(const std::string& metrics, const Photo& result, const Photo& reference, int64_t shave);

}  // namespace zsr::cli
