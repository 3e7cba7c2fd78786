#pragma once

#include "degradations/estimation/blur/blur_estimate.h"
#include "kernelgan/kernelgan.h"

#include <cstdint>
#include <functional>

namespace zsr::kernelgan {

/// One run of an adversarial estimator, which learns the kernel for x2.
using AdversaryRun = std::function<AdversarialResult(const RunContext&)>;

/// Runs `run_once` with `seeds` seeds, takes the kernel in the middle of them and brings it to `scale`: composed for
/// x4, as a scaled Gaussian for others.
void estimate_by_adversary(const AdversaryRun& run_once, double scale, int64_t seeds, const RunContext& context,
                           blur::Estimate& estimate);

}  // namespace zsr::kernelgan
