#pragma once

#include "networks/network.h"

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

namespace zsr::restore {

/// What the restoration network would change in a photo at the photo's own size: a learned detector of damage. Clean
/// photos come out nearly as they went in, as the training had clean photos too. RMS values in 1/255.
struct Reaction {
  double change = 0.0;       ///< Everywhere.
  double flat_change = 0.0;  ///< In the flattest half of the 8x8 blocks of the restored photo: noise and JPEG traces.
  double fine_change = 0.0;  ///< Of the change, what lies in its highest octave (difference of neighbours).
  double texture = 0.0;      ///< Mean gradient of the restored photo, to relate the change to.
};

/// Looks at at most four crops of 160 x 160 of `photo` [1, 1 or 3, h, w] in [0, 1]. `network` needs the scale 1.
Reaction react(const torch::Tensor& photo, const networks::Network& network);

nlohmann::json to_json(const Reaction& reaction);

}  // namespace zsr::restore
