#include "degradations/estimation/photo_condition.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

// Three decimals are more than any of these figures is worth.
Json rounded(double value) {
  return std::round(value * 1000.0) / 1000.0;
}

Json rounded(const std::optional<double>& value) {
  return value ? rounded(*value) : Json(nullptr);
}

void add_noise(const PhotoCondition& condition, std::vector<std::string>& parts) {
  constexpr double kVisible = 2.0;
  constexpr double kCoarse = 0.4;
  const double luma = condition.noise.value_or(0.0);
  const double chroma = condition.chroma_noise.value_or(0.0);
  if (std::max(luma, chroma) < kVisible) return;
  std::string kind = chroma > 0.5 * luma ? "colour" : condition.chroma_noise ? "gray" : "";
  if (condition.noise_correlation.value_or(0.0) > kCoarse) kind += kind.empty() ? "coarse" : ", coarse";
  parts.push_back(fmt::format("noise {:.0f}/255{}", std::max(luma, chroma), kind.empty() ? "" : " (" + kind + ")"));
}

void add_sharpness(const PhotoCondition& condition, std::vector<std::string>& parts) {
  if (condition.enlarged_before) {
    parts.push_back(condition.enlarged_factor
                        ? fmt::format("enlarged before, about x{:.2g}", *condition.enlarged_factor)
                        : std::string("enlarged before"));
  }
  constexpr double kSlight = 2.2;
  constexpr double kClear = 3.0;
  constexpr double kStrong = 4.5;
  const double width = condition.edge_width.value_or(0.0);
  if (width > kStrong) {
    parts.emplace_back("strong blur");
  } else if (width > kClear) {
    parts.emplace_back("clear blur");
  } else if (width > kSlight) {
    parts.emplace_back("slight blur");
  }
  constexpr double kSharpened = 0.05;
  if (condition.edge_overshoot.value_or(0.0) > kSharpened) parts.emplace_back("sharpened edges");
}

}  // namespace

std::string describe(const PhotoCondition& condition) {
  std::vector<std::string> parts;
  if (condition.graphics) parts.emplace_back("drawing or text");
  if (condition.jpeg) parts.push_back(fmt::format("JPEG of about quality {}", condition.jpeg->quality));
  if (condition.jpeg_resized) {
    parts.push_back(fmt::format("JPEG blocks resized to {:.3g} pixels", *condition.jpeg_resized));
  }
  add_noise(condition, parts);
  add_sharpness(condition, parts);
  if (condition.halftone) parts.emplace_back("halftone screen");
  if (parts.empty()) return "no visible damage";
  return fmt::format("{}", fmt::join(parts, ", "));
}

Json to_json(const PhotoCondition& condition) {
  Json jpeg = nullptr;
  if (condition.jpeg) {
    jpeg = {{"quality", condition.jpeg->quality},
            {"confidence", rounded(condition.jpeg->confidence)},
            {"offset_y", condition.jpeg->offset_y},
            {"offset_x", condition.jpeg->offset_x}};
  }
  return {{"damage", rounded(condition.damage)},
          {"noise", rounded(condition.noise)},
          {"chroma_noise", rounded(condition.chroma_noise)},
          {"noise_correlation", rounded(condition.noise_correlation)},
          {"noise_is_white", condition.noise_is_white},
          {"jpeg", jpeg},
          {"blockiness", rounded(condition.blockiness)},
          {"jpeg_resized", rounded(condition.jpeg_resized)},
          {"ringing", rounded(condition.ringing)},
          {"edge_width", rounded(condition.edge_width)},
          {"edge_overshoot", rounded(condition.edge_overshoot)},
          {"half_power", rounded(condition.half_power)},
          {"enlarged_before", condition.enlarged_before},
          {"enlarged_factor", rounded(condition.enlarged_factor)},
          {"halftone", condition.halftone},
          {"flat_share", rounded(condition.flat_share)},
          {"few_colours_share", rounded(condition.few_colours_share)},
          {"graphics", condition.graphics}};
}

}  // namespace zsr
