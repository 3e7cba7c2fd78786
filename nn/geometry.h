#pragma once

#include "nn/graph.h"

#include <optional>

namespace zsr::nn {

/// Input pixels to each side that a result at `scale` depends on; empty where it depends on the whole photo (global
/// pooling, attention, or windows on a coarser grid of their own).
std::optional<int64_t> receptive_radius(const Graph& graph, int64_t scale = 0);

/// What the sides of an input must be multiples of, because pixels become channels (pixel unshuffle, Haar).
int64_t side_multiple(const Graph& graph);

/// Memory for each pair of the input's pixels that the largest comparison of all pixels with all needs; 0 where there
/// is none.
double pair_bytes(const Graph& graph, int64_t scale = 0);

/// What one pass over an input of `height` x `width` costs.
struct Cost {
  double multiplications = 0.0;  ///< Of convolutions and matrix products, as papers count Multi-Adds.
  double peak_bytes = 0.0;       ///< Largest sum of float32 images that are needed at once.
};
Cost cost_of(const Graph& graph, int64_t scale, int64_t height, int64_t width);

/// Shapes of all nodes for an input of that size; of nodes that `scale` does not need too.
std::vector<Shape> shapes_for(const Graph& graph, int64_t height, int64_t width);

}  // namespace zsr::nn
