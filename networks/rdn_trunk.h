#pragma once

#include "networks/config.h"
#include "nn/graph.h"

#include <string>

namespace zsr::networks {

// RDN's trunk (Zhang, Tian, Kong, Zhong and Fu, CVPR 2018), which RDN and Meta-RDN have in common: two convolutions,
// residual dense blocks, all of whose results are joined, and a sum with what the first convolution made.

/// Beginnings of parameter names: J. Yeo's and BasicSR's, or those of EDSR-PyTorch (Config::naming "edsr").
struct RdnNames {
  const char* first;
  const char* second;
  const char* layer;   ///< A format string for block and layer.
  const char* fusion;  ///< For the block.
  const char* joined;  ///< For 0 and 1.
  const char* up;
};
const RdnNames& rdn_names(const Config& config);

/// From an image, times its range of colours, to features [N, width, H, W]. Uses the fields "width", "growth", "depth"
/// and "layers".
nn::Value rdn_trunk(nn::Graph& graph, nn::Value x, const Config& config);

/// Finds naming, channels and those fields; false where the file has no such trunk.
bool read_rdn_trunk(const FileShapes& shapes, Config& config);

}  // namespace zsr::networks
