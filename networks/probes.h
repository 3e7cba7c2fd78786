#pragma once

#include "nn/graph.h"
#include "nn/weights/weights_file.h"

namespace zsr::networks {

// What no name and no shape in a weights file tells (the range of colours, the scale of an enlargement without weights)
// shows in what the network makes of a small picture. Both are infinite where the weights do not fit.

/// How far the network changes a gray area, mean absolute difference in [0, 1].
double gray_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale);

/// How far its result, made smaller again by bicubic interpolation, is from a picture of waves, root mean square.
double consistency_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale);

}  // namespace zsr::networks
