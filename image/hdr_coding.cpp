#include "image/hdr_coding.h"

#include "image/png_chunks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace zsr {
namespace {

struct NamedPrimaries {
  int code;  // of H.273
  const Chromaticities& colors;
  const char* name;
};
constexpr std::array<NamedPrimaries, 3> kNamed{
    {{1, kBt709, "BT.709"}, {12, kP3D65, "P3-D65"}, {9, kBt2020, "BT.2020"}}};

// Files state three or four digits, and profiles are rounded.
const NamedPrimaries* named(const Chromaticities& primaries) {
  constexpr double kClose = 0.0015;
  for (const NamedPrimaries& known : kNamed) {
    const bool alike = std::equal(primaries.begin(), primaries.end(), known.colors.begin(),
                                  [](double a, double b) { return std::abs(a - b) < kClose; });
    if (alike) return &known;
  }
  return nullptr;
}

// The data of the tag `name` of an ICC profile; empty where there is none, or where it lies outside.
std::string_view icc_tag(std::string_view profile, std::string_view name) {
  constexpr size_t kHead = 128;
  constexpr size_t kMostTags = 200;
  constexpr size_t kEntry = 12;
  const size_t count = std::min<size_t>(big_endian_number(profile, kHead, 4), kMostTags);
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kHead + 4 + kEntry * i;
    if (at + kEntry > profile.size()) return {};
    if (profile.substr(at, 4) != name) continue;
    const size_t offset = big_endian_number(profile, at + 4, 4);
    const size_t size = big_endian_number(profile, at + 8, 4);
    if (offset > profile.size() || size > profile.size() - offset) return {};
    return profile.substr(offset, size);
  }
  return {};
}

double fixed_number(std::string_view data, size_t at) {
  return static_cast<double>(static_cast<int32_t>(big_endian_number(data, at, 4))) / 65536.0;
}

// Letters and digits of the profile's name, as far as they are ASCII, in capitals.
std::string icc_name(std::string_view profile) {
  std::string name;
  for (const char letter : icc_tag(profile, "desc").substr(0, 400)) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
      name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    }
  }
  return name;
}

std::optional<Chromaticities> icc_primaries(std::string_view profile) {
  constexpr size_t kNumbers = 8;  // behind type and zeros
  Matrix3 adapted{};
  for (size_t i = 0; i < 3; ++i) {
    const std::string_view data = icc_tag(profile, std::array{"rXYZ", "gXYZ", "bXYZ"}[i]);
    if (data.size() < kNumbers + 12) return std::nullopt;
    for (size_t row = 0; row < 3; ++row) adapted[row][i] = fixed_number(data, kNumbers + 4 * row);
  }
  const Vector3 d50{0.9642, 1.0, 0.8249};
  Matrix3 chad = white_adaptation(xyz_of(kBt709[0], kBt709[1]), d50);
  if (const std::string_view data = icc_tag(profile, "chad"); data.size() >= kNumbers + 36) {
    for (size_t i = 0; i < 9; ++i) chad[i / 3][i % 3] = fixed_number(data, kNumbers + 4 * i);
  }
  const Matrix3 back = inverse(chad);
  const Matrix3 colors = back * adapted;
  const Vector3 white = back * d50;
  Chromaticities found{};
  const auto put = [&](size_t at, const Vector3& xyz) {
    const double sum = xyz[0] + xyz[1] + xyz[2];
    found[at] = xyz[0] / sum;
    found[at + 1] = xyz[1] / sum;
  };
  put(0, white);
  for (size_t i = 0; i < 3; ++i) put(2 + 2 * i, {colors[0][i], colors[1][i], colors[2][i]});
  if (!std::all_of(found.begin(), found.end(), [](double value) { return std::isfinite(value); })) return std::nullopt;
  if (const NamedPrimaries* const known = named(found)) return known->colors;
  return inverse(rgb_to_xyz(found)) != Matrix3{} ? std::optional(found) : std::nullopt;
}

bool is_straight(std::string_view curve) {
  if (curve.substr(0, 4) == "curv") {
    const uint32_t count = big_endian_number(curve, 8, 4);
    return count == 0 || (count == 1 && curve.size() >= 14 && big_endian_number(curve, 12, 2) == 256);
  }
  return curve.substr(0, 4) == "para" && curve.size() >= 16 && big_endian_number(curve, 8, 2) == 0 &&
         fixed_number(curve, 12) == 1.0;
}

}  // namespace

std::string to_string(HdrTransfer transfer) {
  switch (transfer) {
    case HdrTransfer::kPq:
      return "PQ";
    case HdrTransfer::kHlg:
      return "HLG";
    case HdrTransfer::kLinear:
      return "linear";
  }
  return "unknown";
}

std::string primaries_name(const Chromaticities& primaries) {
  const NamedPrimaries* const known = named(primaries);
  return known != nullptr ? known->name : "other";
}

std::string describe(const HdrCoding& coding) {
  return fmt::format("{}, {}", to_string(coding.transfer), primaries_name(coding.primaries));
}

std::optional<Chromaticities> primaries_of_code(int code) {
  for (const NamedPrimaries& known : kNamed) {
    if (known.code == code) return known.colors;
  }
  return std::nullopt;
}

std::optional<int> code_of_primaries(const Chromaticities& primaries) {
  const NamedPrimaries* const known = named(primaries);
  return known != nullptr ? std::optional(known->code) : std::nullopt;
}

Chromaticities as_named(const Chromaticities& primaries) {
  const NamedPrimaries* const known = named(primaries);
  return known != nullptr ? known->colors : primaries;
}

int code_of_transfer(HdrTransfer transfer) {
  constexpr int kPqCode = 16;
  constexpr int kHlgCode = 18;
  constexpr int kLinearCode = 8;
  return transfer == HdrTransfer::kPq ? kPqCode : transfer == HdrTransfer::kHlg ? kHlgCode : kLinearCode;
}

std::optional<HdrCoding> signalled_coding(int primaries, int transfer) {
  for (const HdrTransfer known : {HdrTransfer::kPq, HdrTransfer::kHlg}) {
    if (code_of_transfer(known) != transfer) continue;
    return HdrCoding{known, primaries_of_code(primaries).value_or(kBt2020)};
  }
  return std::nullopt;
}

std::optional<HdrCoding> coding_of_profile(std::string_view profile) {
  const std::string_view signal = icc_tag(profile, "cicp");
  if (signal.size() >= 12) {
    return signalled_coding(static_cast<unsigned char>(signal[8]), static_cast<unsigned char>(signal[9]));
  }
  const std::string name = icc_name(profile);
  const bool about_hdr = name.find("2100") != std::string::npos || name.find("2020") != std::string::npos ||
                         name.find("P3") != std::string::npos || name.find("709") != std::string::npos;
  for (const auto& [word, transfer] : {std::pair{"PQ", HdrTransfer::kPq}, {"HLG", HdrTransfer::kHlg}}) {
    if (about_hdr && name.find(word) != std::string::npos) {
      const Chromaticities found = icc_primaries(profile).value_or(kBt2020);
      return HdrCoding{transfer, code_of_primaries(found) ? found : kBt2020};
    }
  }
  return std::nullopt;
}

std::optional<Chromaticities> primaries_of_linear_profile(std::string_view profile) {
  for (const char* const tag : {"rTRC", "gTRC", "bTRC"}) {
    if (!is_straight(icc_tag(profile, tag))) return std::nullopt;
  }
  return icc_primaries(profile);
}

}  // namespace zsr
