#pragma once

#include "networks/config.h"
#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <cstdint>
#include <vector>

namespace zsr::networks {

// What no name and no shape in a weights file tells (the range of colours, the scale of an enlargement without weights)
// shows in what the network makes of a small picture. Both are infinite where the weights do not fit.

/// How far the network changes a gray area, mean absolute difference in [0, 1].
double gray_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale);

/// How far its result, made smaller again by bicubic interpolation, is from a picture of waves, root mean square.
double consistency_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale);

/// `config` with the field "color_range", where it is 0: 1 or 255, with which a gray area stays as gray as it was.
Config with_color_range(Config config, const WeightsFile& weights, nn::Graph (*graph)(const Config&));

/// `config` with its scale, where that is 0: the one of `scales` at which a gray area stays as gray as it was.
Config with_scale_by_gray(Config config, const WeightsFile& weights, nn::Graph (*graph)(const Config&),
                          const std::vector<int64_t>& scales);

}  // namespace zsr::networks
