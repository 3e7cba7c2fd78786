#pragma once

#include "nn/graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::networks {

// Codes of blur kernels inside the graphs of blind networks: [N, C, 1, 1], one number a channel.

/// The code at every pixel of `like`, [N, C, H, W].
nn::Value spread(nn::Graph& graph, nn::Value code, nn::Value like);

/// The code that a weights file holds under `name`, [1, count], the same for each image of the batch of `like`. It is
/// not trained; training begins with `begin`.
nn::Value stored_code(nn::Graph& graph, const std::string& name, std::vector<float> begin, nn::Value like);

/// `kernel` [N, side^2, 1, 1] times the parameter `name` [1, side^2, count], which is not trained; training begins
/// with gaussian_components.
nn::Value encoded_kernel(nn::Graph& graph, const std::string& name, nn::Value kernel, int64_t side, int64_t count);

/// [side^2, count] by rows: the principal components of Gaussian kernels of side x side pixels (odd) with standard
/// deviations of 0.2 to 4 pixels along both axes (Luo et al. 2020 draw from that range). Throws OptionError.
std::vector<float> gaussian_components(int64_t side, int64_t count);

/// The code of a kernel that does not blur under these components.
std::vector<float> delta_code(int64_t side, int64_t count);

}  // namespace zsr::networks
