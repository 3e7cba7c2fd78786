#include "degradations/estimation/photo_condition.h"

#include "core/error.h"
#include "degradations/estimation/condition/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zsr {
namespace {

using condition::Evidence;

void fill_noise(const Evidence& evidence, PhotoCondition& found) {
  const condition::BlockNoise& blocks = evidence.blocks;
  if (blocks.usable < condition::kFewestBlocks) return;
  // Texture that fills the photo raises the figure of its flattest blocks, compression lowers it.
  const double flat = blocks.luma_fine / condition::kFlatQuantile;
  found.noise = evidence.noise_everywhere > 0.0 ? std::min(flat, evidence.noise_everywhere) : flat;
  if (evidence.coloured) found.chroma_noise = blocks.chroma / condition::kFlatQuantile;
  found.noise_correlation = blocks.correlation;
  constexpr double kLeastNoise = 1.0;
  constexpr double kWhite = 0.25;
  found.noise_is_white = *found.noise > kLeastNoise && blocks.correlation && *blocks.correlation < kWhite;
}

// A photo that was enlarged: no power above its old Nyquist frequency, and either a steep fall there or the periodic
// sharpness that interpolation leaves (Gallagher, "Detection of linear and cubic interpolation in JPEG compressed
// images", 2005).
void judge_enlargement(const Evidence& evidence, PhotoCondition& found) {
  if (!evidence.spectrum) return;
  const condition::Spectrum& spectrum = *evidence.spectrum;
  constexpr double kEmpty = -22.0;    // dB
  constexpr double kSteep = 9.0;      // dB
  constexpr double kClearLine = 8.0;  // photos that were only made smaller stay below 5
  const bool empty = spectrum.upper_band < kEmpty;
  const bool periodic = evidence.periods.peak_frequency && evidence.periods.peak_score > kClearLine && !evidence.jpeg &&
                        !found.jpeg_resized;
  found.enlarged_before = empty && (spectrum.cutoff_drop > kSteep || periodic);
  if (!found.enlarged_before) return;
  // The line lies at 1 / factor, folded into 0 to 0.5; the fall in the spectrum, at 0.5 / factor, tells which.
  const double from_cutoff = std::clamp(0.5 / spectrum.cutoff, 1.0, 8.0);
  if (!periodic) return;
  const double line = *evidence.periods.peak_frequency;
  for (const double factor : {1.0 / line, 1.0 / (1.0 - line), 2.0 / line}) {
    const bool better = !found.enlarged_factor || std::abs(std::log(factor / from_cutoff)) <
                                                      std::abs(std::log(*found.enlarged_factor / from_cutoff));
    if (better) found.enlarged_factor = factor;
  }
  constexpr double kAgree = 1.35;
  if (std::abs(std::log(*found.enlarged_factor / from_cutoff)) > std::log(kAgree)) found.enlarged_factor.reset();
}

void fill_compression(const Evidence& evidence, PhotoCondition& found) {
  found.jpeg = evidence.jpeg;
  found.blockiness = std::max(0.0, evidence.grid.contrast);
  if (evidence.edges) found.ringing = evidence.edges->ripple;
  constexpr double kClearPeriod = 4.0;  // photos without blocks stay below 2.5
  const condition::Periodicity& periods = evidence.periods;
  if (!evidence.jpeg && periods.block_period && periods.block_score > kClearPeriod) {
    constexpr double kOwnGrid = 0.15;  // pixels
    if (std::abs(*periods.block_period - 8.0) > kOwnGrid) found.jpeg_resized = periods.block_period;
  }
}

}  // namespace

PhotoCondition look_at_condition(const torch::Tensor& image) {
  if (image.dim() != 4 || image.size(0) != 1 || (image.size(1) != 1 && image.size(1) != 3) || image.size(2) < 1 ||
      image.size(3) < 1) {
    throw OptionError("the condition of a photo is read from one image [1, C, h, w] with C = 1 or 3");
  }
  const Evidence evidence = condition::gather_evidence(image);
  PhotoCondition found;
  fill_noise(evidence, found);
  fill_compression(evidence, found);
  if (evidence.edges) {
    found.edge_width = evidence.edges->width;
    found.edge_overshoot = evidence.edges->overshoot;
  }
  if (evidence.spectrum) {
    found.half_power = evidence.spectrum->half_power;
    found.halftone = evidence.spectrum->halftone;
  }
  judge_enlargement(evidence, found);
  found.flat_share = evidence.blocks.flat_share;
  found.few_colours_share = evidence.few_colours;
  constexpr double kManyFlat = 0.25;
  constexpr double kManySmooth = 0.5;
  constexpr double kFewColours = 0.75;
  found.graphics = found.few_colours_share > kFewColours &&
                   (found.flat_share > kManyFlat || evidence.blocks.smooth_share > kManySmooth);
  found.damage = condition::damage_of(evidence);
  return found;
}

}  // namespace zsr
