#include "degradations/condition/evidence.h"

#include <algorithm>
#include <cmath>

namespace zsr::condition {
namespace {

// From 0 at `low` to 1 at `high`, straight in between.
double ramp(double value, double low, double high) {
  return std::clamp((value - low) / (high - low), 0.0, 1.0);
}

// Compression: how sure the blocks are, times how strongly such a quality shows.
double compression_term(const Evidence& evidence) {
  const double sure = evidence.jpeg ? 1.0 : ramp(evidence.grid.zero_excess, 0.05, 0.12);
  const double loss = evidence.jpeg ? static_cast<double>(100 - evidence.jpeg->quality) / 100.0
                                    : 0.08 + 0.6 * std::max(0.0, evidence.grid.contrast);
  return sure * (1.0 - std::exp(-3.2 * loss));
}

// Noise raises the flattest blocks nearly as much as all others; texture does not.
double noise_level(double flattest, double median) {
  return flattest / kFlatQuantile * ramp(flattest / std::max(median, 1e-6), 0.3, 0.5);
}

double noise_term(const Evidence& evidence) {
  const BlockNoise& blocks = evidence.blocks;
  const double level =
      std::max(noise_level(blocks.luma_fine, blocks.fine_median), noise_level(blocks.chroma, blocks.chroma_median));
  constexpr double kInvisible = 1.2;  // 1/255
  constexpr double kScale = 4.5;
  return 1.0 - std::exp(-std::max(0.0, level - kInvisible) / kScale);
}

}  // namespace

double damage_of(const Evidence& evidence) {
  return 1.0 - (1.0 - compression_term(evidence)) * (1.0 - noise_term(evidence));
}

}  // namespace zsr::condition
