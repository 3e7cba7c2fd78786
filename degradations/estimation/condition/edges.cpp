#include "degradations/estimation/condition/measures.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::condition {
namespace {

constexpr int64_t kReach = 7;     // pixels looked at on either side of an edge
constexpr int64_t kPerPixel = 4;  // samples of the aligned profile
constexpr int64_t kHalf = 5 * kPerPixel;
constexpr size_t kSamples = 2 * kHalf + 1;
using Profile = std::array<float, kSamples>;

struct Edge {
  float height = 0.0F;
  Profile profile{};
};

float median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// `p` points at pixel i of a line with stride `step`; the edge lies between i and i + 1. False where it is not one
// step between two quiet sides.
bool read_edge(const float* p, int64_t step, Edge& edge) {
  const auto at = [&](int64_t k) { return p[k * step]; };
  float left = 0.0F;
  float right = 0.0F;
  for (int64_t k = 3; k < kReach; ++k) {
    left += at(-k);
    right += at(k + 1);
  }
  left /= static_cast<float>(kReach - 3);
  right /= static_cast<float>(kReach - 3);
  edge.height = std::abs(right - left);
  if (edge.height < 24.0F) return false;
  const float spread = 0.15F * edge.height;
  for (int64_t k = 3; k < kReach; ++k) {
    if (std::abs(at(-k) - left) > spread || std::abs(at(k + 1) - right) > spread) return false;
  }
  const float middle = 0.5F * (left + right);
  const float a = at(0);
  const float b = at(1);
  if ((a - middle) * (b - middle) > 0.0F || a == b) return false;
  const float crossing = (middle - a) / (b - a);
  for (size_t s = 0; s < kSamples; ++s) {
    const float place = crossing + (static_cast<float>(s) - kHalf) / kPerPixel;
    const auto low = static_cast<int64_t>(std::floor(place));
    const float part = place - static_cast<float>(low);
    const float value = at(low) * (1.0F - part) + at(low + 1) * part;
    edge.profile[s] = (value - left) / (right - left);
  }
  return true;
}

// Steps along rows (or columns) that are the largest nearby and nearly at right angles to the line.
void find_edges(const Plane& plane, bool along_rows, std::vector<Edge>& edges) {
  const int64_t step = along_rows ? 1 : plane.width;
  const int64_t side = along_rows ? plane.width : 1;
  const int64_t inner = along_rows ? plane.width : plane.height;
  const int64_t outer = along_rows ? plane.height : plane.width;
  for (int64_t j = 1; j + 1 < outer; ++j) {
    for (int64_t i = kReach; i + kReach + 1 < inner; ++i) {
      const float* const p = plane.values.data() + j * side + i * step;
      const float rise = std::abs(p[step] - p[0]);
      if (rise < 5.0F || rise < std::abs(p[0] - p[-step]) || rise <= std::abs(p[2 * step] - p[step])) continue;
      const float across = std::abs(p[side] + p[step + side] - p[-side] - p[step - side]) * 0.25F;
      if (across > 0.25F * rise) continue;
      Edge edge;
      if (read_edge(p, step, edge)) edges.push_back(edge);
    }
  }
}

// Where the profile crosses `level`, in samples, walking from the middle.
double crossing(const Profile& profile, float level, int direction) {
  for (int64_t s = kHalf; s > 0 && s + 1 < static_cast<int64_t>(kSamples); s += direction) {
    const float here = profile[static_cast<size_t>(s)];
    const float next = profile[static_cast<size_t>(s + direction)];
    if ((here - level) * (next - level) <= 0.0F && here != next) {
      return static_cast<double>(s) + direction * static_cast<double>((here - level) / (here - next));
    }
  }
  return direction > 0 ? static_cast<double>(kSamples - 1) : 0.0;
}

}  // namespace

std::optional<EdgeProfile> measure_edges(const std::vector<Crop>& crops) {
  std::vector<Edge> edges;
  for (const Crop& crop : crops) {
    find_edges(crop.luma, true, edges);
    find_edges(crop.luma, false, edges);
  }
  constexpr size_t kFewest = 12;
  constexpr size_t kMost = 1000;
  if (edges.size() < kFewest) return std::nullopt;
  const auto stronger = [](const Edge& a, const Edge& b) { return a.height > b.height; };
  std::stable_sort(edges.begin(), edges.end(), stronger);
  if (edges.size() > kMost) edges.resize(kMost);
  Profile middle{};
  std::vector<float> values(edges.size());
  for (size_t s = 0; s < kSamples; ++s) {
    for (size_t i = 0; i < edges.size(); ++i) values[i] = edges[i].profile[s];
    middle[s] = median(values);
  }
  EdgeProfile found;
  found.edges = static_cast<int64_t>(edges.size());
  found.width = (crossing(middle, 0.9F, 1) - crossing(middle, 0.1F, -1)) / kPerPixel;
  const float high = *std::max_element(middle.begin() + kHalf, middle.begin() + kHalf + 3 * kPerPixel);
  const float low = *std::min_element(middle.begin() + kHalf - 3 * kPerPixel, middle.begin() + kHalf);
  found.overshoot = 0.5 * (std::max(0.0F, high - 1.0F) + std::max(0.0F, -low));
  std::vector<float> ripples;
  for (const Edge& edge : edges) {
    for (int64_t k = 3 * kPerPixel; k <= kHalf; k += kPerPixel) {
      ripples.push_back(std::abs(edge.profile[static_cast<size_t>(kHalf + k)] - 1.0F));
      ripples.push_back(std::abs(edge.profile[static_cast<size_t>(kHalf - k)]));
    }
  }
  found.ripple = median(ripples);
  return found;
}

}  // namespace zsr::condition
