#pragma once

#include <cstdint>

namespace zsr {

/// out[i] = round half up of 255 * in[i], clipped to 0 .. 255.
void floats_to_bytes(const float* in, uint8_t* out, int64_t count);
/// out[i] = in[i] / 255.
void bytes_to_floats(const uint8_t* in, float* out, int64_t count);

}  // namespace zsr
