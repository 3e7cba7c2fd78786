#pragma once

#include "core/weights/weights_file.h"

#include <cstdint>
#include <string>

namespace zsr::training {

/// Weights of a shallower network under the names of one of `depth` (blocks of edsr and zssr-start, convolutions of
/// srmd) that makes the same image at first: what is new hands its input on. New blocks' first convolutions are left
/// out; a student keeps its own there. A file that is as deep, or of another kind, comes back as it is. Throws
/// InputError for a deeper one, of which only a part would be used.
WeightsFile deepened(WeightsFile file, const std::string& network, int64_t depth);

}  // namespace zsr::training
