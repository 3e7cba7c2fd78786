#include "image/matrix_profile.h"

#include <algorithm>
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
constexpr Colorants kSrgbColorants = {
    {{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}};
constexpr Colorants kDisplayP3 = {
    {{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}};

std::string head(size_t size, uint32_t version) {
  std::string out;
  put(out, static_cast<uint32_t>(size), 4);
  put(out, 0, 4);
  put(out, version, 4);
  out += "mntrRGB XYZ ";
  for (const uint32_t part : {2024U, 1U, 1U, 0U, 0U, 0U}) put(out, part, 2);
  out += "acsp";
  out += std::string(28, '\0');
  for (const double value : {0.9642, 1.0, 0.8249}) put_fixed(out, value);
  return out + std::string(48, '\0');
}

// SMPTE ST 2084: light / 10000 cd/m2 of a value.
double pq_light(double value) {
  const double root = std::pow(value, 32.0 / 2523.0);
  return std::pow(std::max(0.0, root - 0.8359375) / (18.8515625 - 18.6875 * root), 16384.0 / 2610.0);
}

// ITU-R BT.2100, inverse OETF of HLG: light of the scene.
double hlg_scene_light(double value) {
  constexpr double kA = 0.17883277;
  constexpr double kB = 1.0 - 4.0 * kA;
  const double c = 0.5 - kA * std::log(4.0 * kA);
  return value <= 0.5 ? value * value / 3.0 : (std::exp((value - c) / kA) + kB) / 12.0;
}

std::string table_curve(double (*light)(double)) {
  constexpr int kSteps = 4096;
  std::string out = "curv";
  put(out, 0, 4);
  put(out, kSteps, 4);
  for (int i = 0; i < kSteps; ++i) {
    const double value = light(static_cast<double>(i) / (kSteps - 1));
    put(out, static_cast<uint32_t>(std::lround(65535.0 * std::min(value, 1.0))), 2);
  }
  return out;
}

// Columns of the matrix to XYZ under D50.
Colorants colorants_of(const Chromaticities& primaries) {
  const Matrix3 matrix =
      white_adaptation(xyz_of(primaries[0], primaries[1]), {0.9642, 1.0, 0.8249}) * rgb_to_xyz(primaries);
  Colorants columns{};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t i = 0; i < 3; ++i) columns[i][row] = matrix[row][i];
  }
  return columns;
}

using Tags = std::vector<std::pair<std::string, std::string>>;

Tags tags_of(const std::string& name, const Colorants& colorants, const std::string& curve_data) {
  return {
      {"desc", text(name)},
      {"cprt", text("No copyright, use freely")},
      {"wtpt", numbers("XYZ ", {0.9642, 1.0, 0.8249})},
      {"chad", numbers("sf32", {1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168})},
      {"rXYZ", numbers("XYZ ", {colorants[0].begin(), colorants[0].end()})},
      {"gXYZ", numbers("XYZ ", {colorants[1].begin(), colorants[1].end()})},
      {"bXYZ", numbers("XYZ ", {colorants[2].begin(), colorants[2].end()})},
      {"rTRC", curve_data},
      {"gTRC", curve_data},
      {"bTRC", curve_data}};
}

std::string profile_of(Tags tags, uint32_t version) {
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
  return head(kHead + table.size() + data.size(), version) + table + data;
}

}  // namespace

std::string matrix_profile(ColorSpace space) {
  const bool p3 = space == ColorSpace::kDisplayP3;
  const bool linear = space == ColorSpace::kLinearSrgb;
  const std::string name = p3 ? "Display P3" : linear ? "Linear sRGB" : "sRGB";
  return profile_of(tags_of(name, p3 ? kDisplayP3 : kSrgbColorants, curve(linear)), 0x04200000U);
}

std::string hdr_profile(const HdrCoding& coding) {
  const bool linear = coding.transfer == HdrTransfer::kLinear;
  const bool pq = coding.transfer == HdrTransfer::kPq;
  const std::string curve_data = linear ? curve(true) : table_curve(pq ? pq_light : hlg_scene_light);
  Tags tags = tags_of(primaries_name(coding.primaries) + " " + to_string(coding.transfer),
                      colorants_of(coding.primaries), curve_data);
  const auto primaries = code_of_primaries(coding.primaries);
  if (!linear && primaries) {
    std::string signal = "cicp";
    put(signal, 0, 4);
    for (const int code : {*primaries, code_of_transfer(coding.transfer), 0, 1}) {
      put(signal, static_cast<uint32_t>(code), 1);
    }
    tags.emplace_back("cicp", signal);
  }
  return profile_of(std::move(tags), 0x04400000U);
}

}  // namespace zsr
