#pragma once

#include "nn/graph.h"

#include <cstdint>
#include <string>

namespace zsr::training {

/// Whether that discriminator is one of `judge_graph`.
bool is_judge_graph(const std::string& name);

/// Discriminators as published, with batch normalisation: [N, 3, H, W] in [0, 1] -> judgements [N, 1, h, w].
/// "dsgan": 5x5 convolutions, no strides (Fritsche et al. 2019; names of the authors' code). "cincgan": 4x4
/// convolutions without padding; "cincgan-strided" halves three times first (Yuan et al. 2018, D1 and D2). `width` > 0:
/// channels of the first layer, 64 as published.
nn::Graph judge_graph(const std::string& name, int64_t width);

}  // namespace zsr::training
