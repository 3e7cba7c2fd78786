#pragma once

#include "cli/compare/crops.h"
#include "cli/compare/method_result.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace zsr::cli {

/// A comparison of methods on one photo.
struct Comparison {
  std::string photo;     ///< Its name.
  std::string subtitle;  ///< Size, factor, what was asked.
  std::string protocol;  ///< What the figures are.
  std::string footer;    ///< Versions and machine.
  std::vector<MethodResult> results;
  torch::Tensor input;      ///< The photo itself, [1, C, h, w]; undefined: no maps of invented detail.
  torch::Tensor reference;  ///< [1, C, H, W] or undefined; shown beside the results.
  std::vector<Crop> crops;
};

/// The whole report as one HTML page that needs no network: pictures, figures, scripts and styles in it. Pictures are
/// WebP of quality 92, less where the page would pass `most_bytes`.
std::string report_page(const Comparison& comparison, size_t most_bytes = 10'000'000);

/// The same without pictures, for programs.
nlohmann::json report_json(const Comparison& comparison);
std::string report_csv(const Comparison& comparison);

}  // namespace zsr::cli
