#include "tests/golden/formula.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::test {
namespace {

uint64_t seed_of(std::string_view name) {
  uint64_t state = 0xCBF29CE484222325;
  for (const char byte : name) state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return state;
}

double unit(uint64_t state) {
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  z = z ^ (z >> 31);
  return static_cast<double>(z >> 40) / 8388608.0 - 1.0;
}

}  // namespace

torch::Tensor formula_tensor(std::string_view name, const std::vector<int64_t>& shape, double scale, double offset) {
  torch::Tensor values = torch::empty(shape, torch::kFloat32);
  // A product of two float32 numbers is exact in double, so a fused multiply-add rounds no differently.
  const double factor = static_cast<float>(scale);
  const double shift = static_cast<float>(offset);
  uint64_t state = seed_of(name);
  float* const to = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    state += 0x9E3779B97F4A7C15;
    to[i] = static_cast<float>(shift + factor * unit(state));
  }
  return values;
}

}  // namespace zsr::test
