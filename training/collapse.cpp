#include "training/collapse.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::training {
namespace {

constexpr double kMemory = 0.99;
// A judge that is this sure of every image has no gradient left for the networks.
constexpr double kSure = 0.002;
// Images so flat, beside the real ones, are one colour.
constexpr double kFlat = 0.02;
constexpr int64_t kFirst = 200;  // steps before which nothing is concluded

}  // namespace

std::string CollapseWatch::observe(const std::string& judge, double loss, double made_spread, double real_spread) {
  Means& means = means_[judge];
  ++means.count;
  means.loss = kMemory * means.loss + (1.0 - kMemory) * loss;
  means.spread = kMemory * means.spread + (1.0 - kMemory) * made_spread / std::max(real_spread, 1e-6);
  if (means.count < kFirst) return "";
  if (means.spread < kFlat) {
    return fmt::format("what judge '{}' sees has become nearly one colour: the network has collapsed", judge);
  }
  if (means.loss < kSure) {
    return fmt::format("judge '{}' tells every image apart: the network learns nothing from it any more", judge);
  }
  return "";
}

}  // namespace zsr::training
