#include "pipeline/choose_formation.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::pipeline {
namespace {

// PhotoCondition::damage at which restoration begins and at which it is complete.
constexpr double kFirstDamage = 0.25;
constexpr double kFullDamage = 0.45;
// A camera sharpens its photos: their edges overshoot and are narrow. The softness that is left is that of lens and
// sensor together, and undoing all of it costs up to 4 dB on real pairs. Edges of photos that were only blurred are
// wide and do not overshoot.
constexpr double kMaxOvershoot = 0.03;
constexpr double kMinEdgeWidth = 2.0;  // pixels

bool looks_blurred(const PhotoCondition& condition) {
  return condition.edge_width && condition.edge_overshoot && *condition.edge_width >= kMinEdgeWidth &&
         *condition.edge_overshoot <= kMaxOvershoot;
}

}  // namespace

FormationChoice choose_formation(const PhotoCondition& condition, const std::optional<kernelgan::Estimate>& estimate) {
  FormationChoice choice;
  if (condition.damage >= kFirstDamage && !condition.graphics) {
    choice.way = Way::kRestore;
    choice.strength = std::min(1.0, (condition.damage - kFirstDamage) / (kFullDamage - kFirstDamage) * 0.5 + 0.5);
    choice.trust_kernel = false;
    choice.reasons.push_back(describe(condition));
    return choice;
  }
  if (estimate && estimate->verdict == kernelgan::Verdict::kWeak && !estimate->bicubic && !looks_blurred(condition)) {
    choice.trust_kernel = false;
    choice.reasons.push_back("the kernel estimate is weak and the edges are not those of a blurred photo");
    return choice;
  }
  choice.reasons.push_back("clean photo");
  return choice;
}

}  // namespace zsr::pipeline
