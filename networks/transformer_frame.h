#pragma once

#include "networks/config.h"
#include "nn/graph.h"

#include <string>

namespace zsr::networks {

// What SwinIR, HAT and DAT have around their transformer blocks, with SwinIR's parameter names.

/// How the image is enlarged, field "tail": the classical network's pixel shuffles, the light one's single one, the
/// real-world one's nearest neighbours.
enum TransformerTail { kTailClassical = 0, kTailLight = 1, kTailReal = 2 };

/// One 3x3 convolution, or, where the field "three" is 1, three with few channels between them.
nn::Value joint_conv(nn::Graph& graph, const std::string& name, nn::Value x, const Config& config);

/// From features to the enlarged image, by the fields "tail" and "up_width". Throws OptionError for a scale that the
/// tail has not.
nn::Value transformer_tail(nn::Graph& graph, nn::Value x, const Config& config);

/// Finds tail, "up_width", "three" and the scale in a file.
void read_transformer_frame(const FileShapes& shapes, Config& config);

}  // namespace zsr::networks
