#pragma once

#include <string>

namespace zsr {

/// Ways to compute a 3x3 convolution on the CPU, fastest first.
enum class ConvBackend {
  kWinograd,  ///< F(4x4, 3x3), blocked layout (nn/kernels/winograd): AVX-512, AVX2 or any processor.
  kTorch,     ///< at::conv2d.
};

/// The backend that CPU chains use by default: kWinograd. ZSR_CONV=winograd|torch in the environment
/// overrides it, for measurements.
ConvBackend preferred_conv_backend();

/// "winograd", "torch".
std::string to_string(ConvBackend backend);

/// For `zsr info`, e.g. "Winograd F(4x4, 3x3), avx512".
std::string describe_conv_backend();

}  // namespace zsr
