#pragma once

#include "nn/weights/weights_file.h"

#include <cstdint>
#include <string>

namespace zsr::networks {

/// A trained network as an ONNX file (nn/onnx.h).
struct OnnxExport {
  std::string bytes;
  std::string network;  ///< Name of its kind.
  int64_t scale = 1;    ///< Output pixels a pixel of the input.
};

/// The network that `weights` hold, for one of its scales (0: the only one). The input has all channels that the
/// network sees: colours, then the maps that it is conditioned on. The metadata say what they are, the network's name,
/// title, scale and configuration. `half`: weights of convolutions as 16-bit numbers.
///
/// Throws OptionError where `scale` is none of the network's or is needed, and InputError for weights of no network and
/// for a network that ONNX cannot express.
OnnxExport export_onnx(const WeightsFile& weights, int64_t scale, bool half);

}  // namespace zsr::networks
