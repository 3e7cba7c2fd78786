#include "cli/commands/light_figures.h"

#include "image/color.h"
#include "image/hdr_metrics.h"

#include <fmt/format.h>

namespace zsr::cli {

bool is_light_metric(const std::string& metrics) {
  return metrics == "hdr" || metrics == "linear";
}

std::vector<FigureColumn> light_columns(const std::string& metrics) {
  if (metrics == "hdr") {
    return {{"psnr_pq", "psnr", "PQ-PSNR", "dB, R'G'B' behind the PQ curve of absolute light", 2, "high"},
            {"psnr_pu21", "psnr", "PU21-PSNR", "dB, light coded by PU21 (banding_glare), peak 256", 2, "high"}};
  }
  return {{"psnr_linear", "psnr", "PSNR linear", "dB, values of linear light as they are", 2, "high"},
          {"psnr_srgb", "psnr", "PSNR sRGB", "dB, the same behind the curve of sRGB", 2, "high"}};
}

std::string light_protocol(const std::string& metrics, int64_t shave) {
  const char* const what =
      metrics == "hdr" ? "absolute light, R, G and B: PQ (ST 2084, peak 10000 cd/m2), PU21 banding_glare (peak 256)"
                       : "linear light, all channels, peak 1: as it is, and behind the curve of sRGB";
  return fmt::format("{}; {} pixels cut from every side", what, shave);
}

nlohmann::json light_figures(const std::string& metrics, const Photo& result, const Photo& reference, int64_t shave) {
  nlohmann::json figures = nlohmann::json::object();
  if (metrics == "hdr") {
    // Both with the primaries of the reference.
    const Chromaticities& primaries = reference.range == DynamicRange::kHdr ? reference.hdr.primaries : kBt709;
    const HdrMetrics found =
        compare_light(light_of_photo(result, primaries), light_of_photo(reference, primaries), shave);
    put_figure(figures, "psnr_pq", found.pq_psnr);
    put_figure(figures, "psnr_pu21", found.pu21_psnr);
    return figures;
  }
  const auto [a, b] = with_equal_channels(linear_values(result), linear_values(reference));
  const LinearMetrics found = compare_linear(a, b, shave);
  put_figure(figures, "psnr_linear", found.linear_psnr);
  put_figure(figures, "psnr_srgb", found.srgb_psnr);
  return figures;
}

}  // namespace zsr::cli
