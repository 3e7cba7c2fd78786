#pragma once

#include "core/random.h"
#include "core/session.h"
#include "zssr/formation.h"
#include "zssr/network.h"
#include "zssr/options.h"
#include "zssr/pairs.h"

#include <torch/types.h>

#include <string>

namespace zsr::zssr {

struct TrainOutcome {
  int64_t steps = 0;
  double loss = 0.0;       ///< Mean L1 of the last steps.
  double base_loss = 0.0;  ///< The same for the plain cubic interpolation.
  Termination termination = Termination::kFinished;
  bool kept_start = false;  ///< The steps did not help on what was kept back; the starting point is in force again.
};

/// Trains `network` on pairs of `sampler` until the schedule ends, `deadline_s` (on the session's clock) passes or the
/// caller stops. `photo` [1, C, h, w] is reconstructed by the slope rule. After a step that is not finite, or that
/// closes all ReLUs of a layer for good, or when the loss stays far above that of plain interpolation, the best weights
/// come back and the steps shrink; after three (ten) such
/// repairs the outcome is kDiverged.
TrainOutcome train(Network& network, const PairSampler& sampler, const Formation& formation, const torch::Tensor& photo,
                   const Options& options, const std::string& stage, double deadline_s, Random& random,
                   Session& session);

}  // namespace zsr::zssr
