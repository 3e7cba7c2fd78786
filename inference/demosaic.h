#pragma once

#include "networks/network.h"
#include "raw/demosaic.h"

namespace zsr::inference {

/// Colours of a Bayer `mosaic` (of any phase and size) by a network of Condition::kMosaic, which corrects what
/// raw::demosaic makes; in tiles, each with the pixels around it that its result depends on. As large as the mosaic
/// times the network's scale. Not clamped. Throws OptionError for another network or mosaic.
raw::Rgb demosaic(const raw::Mosaic& mosaic, const networks::Network& network);

}  // namespace zsr::inference
