#pragma once

#include "cli/compare/method_result.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::cli {

/// One figure of a comparison.
struct FigureColumn {
  std::string key;
  std::string title;
  std::string about;
  int digits = 2;
  std::string best;        ///< "high", "low" or empty.
  bool reference = false;  ///< Needs the true image.
};

/// All of them, in the order of the table.
const std::vector<FigureColumn>& figure_columns();

/// Fills `result.figures` for what one method made of `photo` ([1, C, h, w]). `reference` [1, C, H, W] may be
/// undefined; then the figures that need it are absent. Throws InputError when the sizes differ.
void measure(MethodResult& result, const torch::Tensor& photo, const torch::Tensor& reference, Scale scale);

/// A square part of the results.
struct Crop {
  int64_t x = 0, y = 0, side = 0;
};

/// At most `count` squares of `side` pixels, apart from each other, where the results differ most.
std::vector<Crop> crops_of_difference(const std::vector<MethodResult>& results, int64_t side, size_t count);

}  // namespace zsr::cli
