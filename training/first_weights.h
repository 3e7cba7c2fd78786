#pragma once

#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::training {

/// Whether the graph is convolutions with ReLUs between them and a pixel shuffle, without any shortcut.
bool is_plain_chain(const nn::Graph& graph);

/// A chain without shortcuts learns to carry the colours from end to end before it learns anything else. With these
/// values it begins as bilinear interpolation.
void begin_as_bilinear(const nn::Graph& graph, torch::Tensor& values, int64_t scale);

/// Copies into `values` (flat) what `file` has of the graph's parameters: equal names and shapes; a first convolution
/// that sees the colours only (the condition begins without effect); a convolution before a pixel shuffle by another
/// factor, resampled linearly between its sub-pixels; a missing second shuffle begins as bilinear. Throws InputError
/// when nothing fits.
void take_shared(const nn::Graph& graph, const WeightsFile& file, torch::Tensor& values);

/// Weights of a shallower residual network ("body.0.body.0", ...) or chain ("model.0", ...) under the names of one of
/// `depth` that makes the same image at first: what is new is the identity. New blocks' first convolutions are left
/// out. Another file comes back as it is. Throws InputError for a deeper one, of which only a part would be used.
WeightsFile extended_to_depth(WeightsFile file, int64_t depth);

}  // namespace zsr::training
