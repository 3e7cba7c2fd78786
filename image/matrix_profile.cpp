#include "image/matrix_profile.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace zsr {
namespace {

void put(std::string& out, uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

void put_fixed(std::string& out, double value) {
  put(out, static_cast<uint32_t>(static_cast<int32_t>(std::lround(value * 65536.0))), 4);
}

std::string numbers(const char* type, const std::vector<double>& values) {
  std::string out = type;
  put(out, 0, 4);
  for (const double value : values) put_fixed(out, value);
  return out;
}

// A text in English, ASCII.
std::string text(const std::string& value) {
  std::string out = "mluc";
  put(out, 0, 4);
  put(out, 1, 4);
  put(out, 12, 4);
  out += "enUS";
  put(out, static_cast<uint32_t>(2 * value.size()), 4);
  put(out, 28, 4);
  for (const char letter : value) {
    out += '\0';
    out += letter;
  }
  return out;
}

std::string curve(bool linear) {
  std::string out = "para";
  put(out, 0, 4);
  put(out, linear ? 0 : 3, 2);
  put(out, 0, 2);
  if (linear) {
    put_fixed(out, 1.0);
    return out;
  }
  for (const double value : {2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045}) put_fixed(out, value);
  return out;
}

// Colorants adapted to D50 by Bradford's transform: columns of the matrix to XYZ.
using Colorants = std::array<std::array<double, 3>, 3>;
constexpr Colorants kSrgb = {{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}};
constexpr Colorants kP3 = {{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}};

std::string head(size_t size) {
  std::string out;
  put(out, static_cast<uint32_t>(size), 4);
  put(out, 0, 4);
  put(out, 0x04200000U, 4);
  out += "mntrRGB XYZ ";
  for (const uint32_t part : {2024U, 1U, 1U, 0U, 0U, 0U}) put(out, part, 2);
  out += "acsp";
  out += std::string(28, '\0');
  for (const double value : {0.9642, 1.0, 0.8249}) put_fixed(out, value);
  return out + std::string(48, '\0');
}

}  // namespace

std::string matrix_profile(ColorSpace space) {
  const bool p3 = space == ColorSpace::kDisplayP3;
  const bool linear = space == ColorSpace::kLinearSrgb;
  const Colorants& colorants = p3 ? kP3 : kSrgb;
  const std::string name = p3 ? "Display P3" : linear ? "Linear sRGB" : "sRGB";
  std::vector<std::pair<std::string, std::string>> tags = {
      {"desc", text(name)},
      {"cprt", text("No copyright, use freely")},
      {"wtpt", numbers("XYZ ", {0.9642, 1.0, 0.8249})},
      {"chad", numbers("sf32", {1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168})},
      {"rXYZ", numbers("XYZ ", {colorants[0].begin(), colorants[0].end()})},
      {"gXYZ", numbers("XYZ ", {colorants[1].begin(), colorants[1].end()})},
      {"bXYZ", numbers("XYZ ", {colorants[2].begin(), colorants[2].end()})},
      {"rTRC", curve(linear)},
      {"gTRC", curve(linear)},
      {"bTRC", curve(linear)}};
  constexpr size_t kHead = 128;
  std::string table;
  std::string data;
  put(table, static_cast<uint32_t>(tags.size()), 4);
  for (auto& [tag, value] : tags) {
    table += tag;
    put(table, static_cast<uint32_t>(kHead + 4 + 12 * tags.size() + data.size()), 4);
    put(table, static_cast<uint32_t>(value.size()), 4);
    value.resize((value.size() + 3) / 4 * 4, '\0');
    data += value;
  }
  return head(kHead + table.size() + data.size()) + table + data;
}

}  // namespace zsr
