#pragma once

#include "image/resize.h"

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace zsr::inference {

/// How the passes of a self-ensemble are combined.
enum class EnsembleRule {
  kMean,
  kMedian,  ///< Of each pixel, as ZSSR has it.
};

/// Which turned and mirrored versions of a photo (image/dihedral.h) are enlarged: all eight, the four that keep its
/// axes where the factors differ, or the photo as it is.
std::vector<int64_t> ensemble_turns(bool self_ensemble, bool equal_factors = true);

/// Where the pixels of a photo of `low` pixels stand on the grid of its result of `high` pixels after `dihedral(...,
/// turn)`, where `phase` is where they stand before: seen from the other end it is the rest of the way.
Phase turned_phase(Phase phase, Size low, Size high, Scale scale, int64_t turn);

struct Combined {
  torch::Tensor image;
  int64_t passes = 0;  ///< Made; fewer than asked for where `next` said no.
};

/// `pass(turn)` for each of `turns`, combined by `rule`. `next` is asked after each pass whether another may follow.
Combined combine_passes(const std::vector<int64_t>& turns, EnsembleRule rule,
                        const std::function<torch::Tensor(int64_t)>& pass, const std::function<bool()>& next);

}  // namespace zsr::inference
