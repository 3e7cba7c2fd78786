#pragma once

#include "degradations/kernel.h"
#include "nn/weights/weights_file.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <functional>
#include <string>

namespace zsr::test {

/// tests/golden/data/<family>.json, which make.py wrote: a list of networks, each with "weights" and "runs".
nlohmann::json read_golden(const std::string& family);

/// ["name", shape, scale, offset] by formula, or ["name", shape, [numbers]]; float32.
torch::Tensor golden_tensor(const nlohmann::json& entry);

/// The weights of one of the networks.
WeightsFile golden_weights(const nlohmann::json& network);

/// The kernel of a run's settings.
BlurKernel golden_kernel(const nlohmann::json& settings);

/// Expects `found` to have the shape and, to 1e-4 of the standard deviation, the samples, mean and projection of
/// `output`. Returns the largest relative difference.
double expect_golden(const torch::Tensor& found, const nlohmann::json& output);

/// For every network of `family` and every run of it, expects what `forward(weights, network, settings)` makes; records
/// the largest relative difference as a property of the test.
using GoldenForward =
    std::function<torch::Tensor(const WeightsFile&, const nlohmann::json& network, const nlohmann::json& settings)>;
void expect_golden_family(const std::string& family, const GoldenForward& forward);

}  // namespace zsr::test
