#pragma once

#include "core/weights/weights_file.h"
#include "nn/graph.h"

namespace zsr::networks {

/// How far a network with these weights changes a gray area, mean absolute difference in [0, 1]; infinite where the
/// weights do not fit. What no name and no shape in a file tells (the range of colours, the scale of a transposed
/// convolution) shows here: only with the right one does gray stay gray.
double gray_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale);

}  // namespace zsr::networks
