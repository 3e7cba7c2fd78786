#include "image/hdr.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace zsr {
namespace {

// ST 2084, equation 4.1: numerators and denominators as there.
constexpr double kM1 = 2610.0 / 16384.0;
constexpr double kM2 = 2523.0 / 4096.0 * 128.0;
constexpr double kC1 = 3424.0 / 4096.0;
constexpr double kC2 = 2413.0 / 4096.0 * 32.0;
constexpr double kC3 = 2392.0 / 4096.0 * 32.0;

// Shares of red and blue in luma, and ranges of the codes.
struct Luma {
  double red, blue;
  double green() const { return 1.0 - red - blue; }
  double cb_range() const { return 2.0 * (1.0 - blue); }
  double cr_range() const { return 2.0 * (1.0 - red); }
};
constexpr Luma kLuma709{0.2126, 0.0722};
constexpr Luma kLuma2020{0.2627, 0.0593};

std::vector<torch::Tensor> bands_of(const torch::Tensor& image) {
  return image.to(torch::kFloat64).split(1, 1);
}

torch::Tensor ycbcr_of(const torch::Tensor& rgb, const Luma& luma) {
  const auto c = bands_of(rgb);
  const torch::Tensor y = c[0] * luma.red + c[1] * luma.green() + c[2] * luma.blue;
  return torch::cat({y, (c[2] - y) / luma.cb_range(), (c[0] - y) / luma.cr_range()}, 1);
}

// Rows that are worked on at once: in float64 a large picture would take several times its own memory.
constexpr int64_t kStripRows = 128;

template <typename Work>
torch::Tensor by_rows(const torch::Tensor& image, const Work& work) {
  torch::Tensor made = torch::empty(image.sizes(), torch::kFloat32);
  for (int64_t row = 0; row < image.size(2); row += kStripRows) {
    const int64_t end = std::min(image.size(2), row + kStripRows);
    made.slice(2, row, end).copy_(work(image.slice(2, row, end)));
  }
  return made;
}

torch::Tensor mixed(const torch::Tensor& rgb, const Matrix3& matrix) {
  const auto c = rgb.split(1, 1);
  std::vector<torch::Tensor> made;
  for (const Vector3& row : matrix) made.push_back(c[0] * row[0] + c[1] * row[1] + c[2] * row[2]);
  return torch::cat(made, 1);
}

// ITU-R BT.2100, table 5: the inverse of HLG's OETF, then its OOTF.
torch::Tensor light_of_hlg(const torch::Tensor& encoded, const Chromaticities& primaries) {
  constexpr double kA = 0.17883277;
  constexpr double kB = 1.0 - 4.0 * kA;
  constexpr double kGamma = 1.2;
  constexpr double kDisplay = 1000.0;  // cd/m2
  const double c = 0.5 - kA * std::log(4.0 * kA);
  const torch::Tensor values = encoded.to(torch::kFloat64).clamp(0.0, 1.0);
  const torch::Tensor scene =
      torch::where(values <= 0.5, values * values / 3.0, (((values - c) / kA).exp() + kB) / 12.0);
  const Vector3 luma = rgb_to_xyz(primaries)[1];
  const auto bands = scene.split(1, 1);
  const torch::Tensor y = bands[0] * luma[0] + bands[1] * luma[1] + bands[2] * luma[2];
  return scene * y.clamp_min(0.0).pow(kGamma - 1.0) * kDisplay;
}

}  // namespace

torch::Tensor light_of_pq(const torch::Tensor& encoded) {
  const torch::Tensor root = encoded.to(torch::kFloat64).clamp(0.0, 1.0).pow(1.0 / kM2);
  return ((root - kC1).clamp_min(0.0) / (root * -kC3 + kC2)).pow(1.0 / kM1) * kPqPeak;
}

torch::Tensor pq_of_light(const torch::Tensor& light) {
  const torch::Tensor power = (light.to(torch::kFloat64) / kPqPeak).clamp(0.0, 1.0).pow(kM1);
  return ((power * kC2 + kC1) / (power * kC3 + 1.0)).pow(kM2);
}

torch::Tensor studio_codes_of_rgb(const torch::Tensor& rgb) {
  const auto c = bands_of(ycbcr_of(rgb, kLuma709));
  return (torch::cat({c[0] * 219.0 + 16.0, c[1] * 224.0 + 128.0, c[2] * 224.0 + 128.0}, 1) / 255.0).to(rgb.dtype());
}

torch::Tensor hdr_rgb_of_studio_codes(const torch::Tensor& codes) {
  const auto c = bands_of(codes * 1023.0);
  const torch::Tensor y = (c[0] - 64.0) / 876.0;
  const torch::Tensor blue = y + (c[1] - 512.0) / 896.0 * kLuma2020.cb_range();
  const torch::Tensor red = y + (c[2] - 512.0) / 896.0 * kLuma2020.cr_range();
  const torch::Tensor green = (y - red * kLuma2020.red - blue * kLuma2020.blue) / kLuma2020.green();
  return torch::cat({red, green, blue}, 1).clamp(0.0, 1.0).to(codes.dtype());
}

torch::Tensor hdr_ycbcr(const torch::Tensor& rgb) {
  return ycbcr_of(rgb, kLuma2020);
}

torch::Tensor light_of(const torch::Tensor& color, const HdrCoding& coding) {
  return by_rows(color, [&](const torch::Tensor& rows) {
    return coding.transfer == HdrTransfer::kHlg ? light_of_hlg(rows, coding.primaries)
                                                : light_of_pq(rows) / coding.exposure;
  });
}

torch::Tensor values_of_linear(const torch::Tensor& linear, HdrCoding& coding, const std::string& name,
                               std::vector<std::string>& notes) {
  const torch::Tensor numbers = torch::isfinite(linear) | (linear == std::numeric_limits<float>::infinity());
  const int64_t strange = (~numbers).sum().item<int64_t>();
  const torch::Tensor known = torch::where(numbers, linear, torch::zeros_like(linear));
  const int64_t negative = (known < 0).sum().item<int64_t>();
  const auto part = [&](int64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(linear.numel());
  };
  if (strange > 0) notes.push_back(fmt::format("'{}': {} values are no numbers; they become 0", name, strange));
  if (negative > 0) {
    notes.push_back(fmt::format("'{}': {:.2g} % of the values are negative, down to {:.3g}; they become 0", name,
                                part(negative), known.min().item<double>()));
  }
  const torch::Tensor finite = torch::where(torch::isfinite(known), known, torch::zeros_like(known));
  const double peak = finite.max().item<double>() * coding.white;
  constexpr double kMostStops = 16.0;
  if (peak > kPqPeak) {
    coding.exposure = std::max(1.0 / kMostStops, kPqPeak / peak);
    const int64_t clipped = (known * coding.white * coding.exposure > kPqPeak * 1.000001).sum().item<int64_t>();
    notes.push_back(fmt::format(
        "'{}': light up to {:.4g} cd/m2, above the 10000 of PQ; it is worked on at {:.3g} of its exposure{}", name,
        peak, coding.exposure,
        clipped > 0 ? fmt::format(", and {:.2g} % of the values are clipped", part(clipped)) : std::string()));
  }
  return by_rows(known, [&](const torch::Tensor& rows) {
    return pq_of_light(rows.to(torch::kFloat64) * (coding.white * coding.exposure));
  });
}

HdrCoding coding_in(ImageFormat format, const HdrCoding& coding) {
  HdrCoding made = coding;
  const bool linear = coding.transfer == HdrTransfer::kLinear;
  if (format == ImageFormat::kExr || (format == ImageFormat::kTiff && linear)) {
    made.transfer = HdrTransfer::kLinear;
    // Only OpenEXR can say another one.
    made.white = linear && format == ImageFormat::kExr ? coding.white : kHdrWhite;
  } else {
    if (linear) made.transfer = HdrTransfer::kPq;
    if (!code_of_primaries(coding.primaries)) made.primaries = kBt2020;
  }
  made.exposure = 1.0;
  return made;
}

torch::Tensor recoded(const torch::Tensor& color, const HdrCoding& from, const HdrCoding& to) {
  const bool same_curve = (from.transfer == HdrTransfer::kHlg) == (to.transfer == HdrTransfer::kHlg);
  const bool same_light = from.primaries == to.primaries && from.exposure == to.exposure;
  if (to.transfer != HdrTransfer::kLinear && same_curve && same_light) return color.to(torch::kFloat32);
  // coding_in() asks for HLG of HLG alone, whose primaries have a code.
  if (to.transfer == HdrTransfer::kHlg) throw OptionError("light cannot be coded as HLG");
  return by_rows(color, [&](const torch::Tensor& rows) {
    torch::Tensor light = light_of(rows, from).to(torch::kFloat64);
    if (from.primaries != to.primaries) light = mixed(light, rgb_to_rgb(from.primaries, to.primaries));
    return to.transfer == HdrTransfer::kLinear ? light / to.white : pq_of_light(light);
  });
}

LightLevels light_levels(const torch::Tensor& color, const HdrCoding& coding) {
  const Vector3 luma = rgb_to_xyz(coding.primaries)[1];
  LightLevels levels;
  double sum = 0.0;
  for (int64_t row = 0; row < color.size(2); row += kStripRows) {
    const torch::Tensor rows = color.slice(2, row, std::min(color.size(2), row + kStripRows));
    const auto c = light_of(rows, coding).to(torch::kFloat64).split(1, 1);
    const torch::Tensor y = c[0] * luma[0] + c[1] * luma[1] + c[2] * luma[2];
    levels.peak = std::max(levels.peak, y.max().item<double>());
    sum += y.sum().item<double>();
  }
  levels.mean = sum / static_cast<double>(color.size(2) * color.size(3));
  return levels;
}

}  // namespace zsr
