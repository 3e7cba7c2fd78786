#pragma once

#include "image/chromaticities.h"

#include <optional>
#include <string>
#include <string_view>

namespace zsr {

/// CIE chromaticities of ITU-R BT.709 (and sRGB), of P3 with the white D65, and of ITU-R BT.2020.
constexpr Chromaticities kBt709{0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060};
constexpr Chromaticities kP3D65{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
constexpr Chromaticities kBt2020{0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046};

/// Luminance of diffuse white in HDR (ITU-R BT.2408), cd/m2: 1.0 in files of linear light that say nothing else.
constexpr double kHdrWhite = 203.0;

/// How an HDR file codes light.
enum class HdrTransfer {
  kPq,      ///< SMPTE ST 2084: absolute light up to 10000 cd/m2.
  kHlg,     ///< Hybrid log-gamma of ITU-R BT.2100: light of the scene, shown here on a display of 1000 cd/m2.
  kLinear,  ///< Linear light.
};

/// What the numbers of an HDR photo mean, in memory and in its file.
struct HdrCoding {
  HdrTransfer transfer = HdrTransfer::kPq;  ///< Of the file.
  Chromaticities primaries = kBt2020;
  /// Of files of linear light: cd/m2 that 1.0 stands for.
  double white = kHdrWhite;
  /// Light is multiplied by this before PQ codes it in memory: below 1 where it is brighter than PQ's 10000 cd/m2.
  double exposure = 1.0;
  int bits = 0;  ///< Per sample, in the file: 8 to 16, 32: floating point; 0: made here.

  bool operator==(const HdrCoding&) const = default;
};

/// "PQ", "HLG", "linear".
std::string to_string(HdrTransfer transfer);
/// "BT.709", "P3-D65", "BT.2020" or "other".
std::string primaries_name(const Chromaticities& primaries);
/// E.g. "PQ, BT.2020".
std::string describe(const HdrCoding& coding);

/// Colour primaries by their code in ITU-T H.273 (1, 9, 12); empty for others.
std::optional<Chromaticities> primaries_of_code(int code);
/// The way back; empty where they have none of these codes.
std::optional<int> code_of_primaries(const Chromaticities& primaries);
/// The exact numbers where files state rounded ones of BT.709, P3 with D65, or BT.2020; others stay.
Chromaticities as_named(const Chromaticities& primaries);
/// 16, 18 or 8.
int code_of_transfer(HdrTransfer transfer);

/// The coding that a pair of codes of H.273 signals; empty where the transfer is neither 16 (PQ) nor 18 (HLG). Unknown
/// primaries become those of BT.2020.
std::optional<HdrCoding> signalled_coding(int primaries, int transfer);
/// The coding that an ICC profile signals by its tag cicp (ICC.1:2022, 9.2.17), or by a name such as "Rec. ITU-R
/// BT.2100 PQ"; empty where it signals no HDR.
std::optional<HdrCoding> coding_of_profile(std::string_view profile);
/// The primaries of a matrix profile whose curves are straight; empty for other profiles.
std::optional<Chromaticities> primaries_of_linear_profile(std::string_view profile);

}  // namespace zsr
