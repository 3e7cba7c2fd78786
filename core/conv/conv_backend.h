#pragma once

#include <string>

namespace zsr {

/// Ways to compute a 3x3 convolution on the CPU, fastest first.
enum class ConvBackend {
  kWinograd,  ///< oneDNN 2.x F(4x4, 3x3), AVX-512, blocked layout.
  kDirect,    ///< oneDNN 2.x direct convolution, blocked layout.
  kTorch,     ///< at::conv2d.
};

/// The backend that CPU chains use unless told otherwise: the fastest that this build, this oneDNN and this processor
/// can run, found by trying it once. ZSR_CONV=winograd|direct|torch in the environment overrides it, for measurements.
ConvBackend preferred_conv_backend();

/// "winograd", "direct", "torch".
std::string to_string(ConvBackend backend);

/// For `zsr info`, e.g. "oneDNN 2.6.3 winograd".
std::string describe_conv_backend();

}  // namespace zsr
