#pragma once

#include <array>
#include <cstdint>

namespace zsr::kernelgan {

// The generator's one strided convolution, of sizes known beforehand so that every sum stays in registers.

constexpr int64_t kGeneratorPatch = 64;   ///< Side of the patch that the generator makes smaller.
constexpr int64_t kGeneratorKernel = 13;  ///< Side of its composite kernel.
constexpr int64_t kGeneratorOutput = 26;  ///< Side of what it makes: (64 - 13) / 2 + 1.
constexpr int64_t kKernelCount = kGeneratorKernel * kGeneratorKernel;
constexpr int64_t kOutputCount = kGeneratorOutput * kGeneratorOutput;

/// Rows of the patch are stored as 32 even columns, then 32 odd ones: the pixels that one weight meets along a row are
/// then neighbours. Reading whole vectors runs over the end by up to this many values.
constexpr int64_t kHalfRow = kGeneratorPatch / 2;
constexpr int64_t kOverrun = 16;

/// out [26, 26] = every second pixel of one plane [64, 2, 32] under `kernel` [13, 13], no padding.
void shrink_plane(const float* plane, const float* kernel, float* out);
void shrink_plane(const double* plane, const double* kernel, double* out);

/// kernel_gradient [13, 13] += what the gradient [26, 26] at that output gives.
void shrink_plane_back(const float* plane, const float* output_gradient, float* kernel_gradient);
void shrink_plane_back(const double* plane, const double* output_gradient, double* kernel_gradient);

}  // namespace zsr::kernelgan
