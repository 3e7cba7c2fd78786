#include "pipeline/choose_formation.h"

#include <algorithm>

namespace zsr::pipeline {
namespace {

// PhotoCondition::damage from which on a photo is restored.
constexpr double kFirstDamage = 0.25;

// A camera sharpens its photos: their edges overshoot, or are narrow. The softness that is left is that of lens and
// sensor together, and undoing all of it costs up to 4 dB on real pairs (RealSR, DRealSR). Photos that were only
// blurred have wide edges without overshoot and a steep spectrum.
constexpr double kMaxOvershoot = 0.005;
constexpr double kMinEdgeWidth = 2.0;   // pixels, 10 to 90 %
constexpr double kMaxHalfPower = 0.21;  // cycles per pixel
// On such photos a part of the restoration is better than either picture alone: 0.18 dB above bicubic at 0.3 on
// DRealSR's nine shared pairs, where the network for clean photos has 0.05 and the restored picture -0.1.
constexpr double kCameraStrength = 0.35;

// In small photos nothing confirms an estimated kernel, and lens softness may look like blur. Gain over bicubic
// interpolation, x4, photos of 80 to 128 pixels: under 20 random kernels (every fifth photo of BSDS500's test set, `zsr
// degrade --recipe div2krk --seed 5`) 0.29, 0.60, 0.90 and 1.65 dB on average with shares of 0.1, 0.25, 0.4 and 0.85 of
// the estimate's covariance (`zsr upscale -m zssr --kernel` of Gaussians made so, `--noise 0.8 --back-projection 3`); a
// camera photo of DRealSR, P1140279, -0.01, -0.14, -0.36 and -2.03. The larger the photo, the more is taken.
double share_of_unconfirmed(int64_t side) {
  constexpr double kSmallest = 0.15;
  return kSmallest + (1.0 - kSmallest) * std::clamp((static_cast<double>(side) - 128.0) / 128.0, 0.0, 1.0);
}

bool looks_blurred(const PhotoCondition& condition) {
  return condition.edge_width && *condition.edge_width >= kMinEdgeWidth && condition.edge_overshoot &&
         *condition.edge_overshoot <= kMaxOvershoot && condition.half_power && *condition.half_power <= kMaxHalfPower;
}

// From 0 at `low` to 1 at `high`, straight in between.
double ramp(double value, double low, double high) {
  return std::clamp((value - low) / (high - low), 0.0, 1.0);
}

// How much of the restoration a damaged photo gets. Where little is damaged the mean with the picture of the network
// for clean photos is better than both: measured before the present weights, on 24 photos of BSD x4, PSNR of that
// network, of the mean and of the restoration: noise 4: 25.99 25.94 25.52, noise 8: 24.98 25.37 25.21, JPEG
// 85: 25.34 25.44 25.11, JPEG 65: 24.44 24.69 24.46. What can be seen shall go, though: from noise 7 and JPEG 65 on
// nine tenths are restored (looked at on old photos). Photos that are soft besides (twice resized, blurred and
// compressed) are restored as a whole: bsrgan 20.68 21.14 21.34. At the photo's own size all noise goes, and three
// quarters are best for JPEG alone, since the network sharpens besides: Set14, quality 20 and 40: input 31.08 33.43,
// three quarters 32.13 34.50, all 32.25 34.52 (before the present weights three quarters were better).
double strength_of(const PhotoCondition& condition, bool enlarges) {
  constexpr double kSoft = 0.25;  // cycles per pixel
  const double luma = condition.noise.value_or(0.0);
  const double noise = std::max(luma, condition.chroma_noise.value_or(0.0));
  const double quality = condition.jpeg ? static_cast<double>(condition.jpeg->quality) : 100.0;
  const double kept = (1.0 - (enlarges ? 0.9 : 1.0) * ramp(noise, 2.0, 7.0)) *
                      (1.0 - (enlarges ? 0.9 : 0.75) * ramp(100.0 - quality, 5.0, 35.0));
  const bool soft = condition.half_power && *condition.half_power < kSoft;
  constexpr double kLeast = 0.3;
  return soft && enlarges ? 1.0 : std::max(kLeast, 1.0 - kept);
}

}  // namespace

FormationChoice choose_formation(const PhotoCondition& condition, const std::optional<kernelgan::Estimate>& estimate,
                                 bool enlarges, DynamicRange range) {
  FormationChoice choice;
  if (range == DynamicRange::kHdr) {
    choice.trust_kernel = !estimate || estimate->verdict != kernelgan::Verdict::kWeak || estimate->bicubic;
    choice.reasons.push_back(choice.trust_kernel ? "HDR photo"
                                                 : "the kernel estimate of an HDR photo is weak and not undone");
    return choice;
  }
  if (condition.damage >= kFirstDamage && !condition.graphics) {
    choice.way = Way::kRestore;
    choice.strength = strength_of(condition, enlarges);
    choice.trust_kernel = false;
    choice.reasons.push_back(describe(condition));
    return choice;
  }
  if (estimate && estimate->perhaps_bicubic) choice.trust_kernel = false;
  const bool weak = estimate && estimate->verdict != kernelgan::Verdict::kReject && !estimate->bicubic &&
                    !estimate->perhaps_bicubic && estimate->unconfirmed && estimate->family == KernelFamily::kGaussian;
  if (weak && !looks_blurred(condition)) {
    choice.way = Way::kRestore;
    choice.strength = kCameraStrength;
    choice.trust_kernel = false;
    choice.reasons.push_back("the kernel estimate is weak and the edges are not those of a blurred photo");
    return choice;
  }
  if (weak && !estimate->compared) {
    choice.most_share = share_of_unconfirmed(estimate->photo_side);
    choice.reasons.push_back(
        "the photo is too small to confirm the kernel: a part of it is undone; --kernel auto takes it whole");
    return choice;
  }
  choice.reasons.push_back(choice.trust_kernel ? "clean photo" : "it may be a soft photo that was made smaller");
  return choice;
}

}  // namespace zsr::pipeline
