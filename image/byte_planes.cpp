#include "image/byte_planes.h"

#include "core/any_vector.h"

namespace zsr {

ZSR_ANY_VECTOR
void floats_to_bytes(const float* in, uint8_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    float value = in[i] < 0.0F ? 0.0F : in[i];
    value = value > 1.0F ? 1.0F : value;
    out[i] = static_cast<uint8_t>(static_cast<int32_t>(value * 255.0F + 0.5F));
  }
}

ZSR_ANY_VECTOR
void bytes_to_floats(const uint8_t* in, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]) / 255.0F;
}

}  // namespace zsr
