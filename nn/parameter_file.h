#pragma once

#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::nn {

/// The graph's parameters from a weights file, flat float32. Every parameter must be there in its shape and nothing
/// else, but for "...num_batches_tracked" and names that begin with one of `ignored`. Throws InputError that names the
/// network (`title`) and the first differences.
torch::Tensor take_parameters(const Graph& graph, const WeightsFile& file, const std::string& title,
                              const std::vector<std::string>& ignored = {});

/// The other way round: `parameters` under their names, float32, in the units of the published files.
WeightsFile to_weights(const Graph& graph, const torch::Tensor& parameters);

}  // namespace zsr::nn
