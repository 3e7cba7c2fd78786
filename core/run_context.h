#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace zsr {

/// What a running method tells its caller, once per step.
struct Progress {
  std::string stage;        ///< e.g. "train x2" or "upscale".
  int64_t step = 0;         ///< Steps done in this stage.
  int64_t total_steps = 0;  ///< Steps planned for this stage; may end earlier.
  double loss = 0.0;        ///< Latest training loss; 0 where the stage has none.
  double elapsed_s = 0.0;   ///< Since the method began.
};

/// The caller's answer.
enum class ProgressAction {
  kContinue,
  kStop,   ///< Finish cleanly and return the best result so far.
  kAbort,  ///< Throw `Cancelled`.
};

using ProgressFn = std::function<ProgressAction(const Progress&)>;

/// What a run is given besides its options.
struct RunContext {
  torch::Device device = torch::kCPU;
  uint64_t seed = 0;                    ///< All random streams derive from it.
  ProgressFn progress;                  ///< May be empty.
  std::optional<double> time_budget_s;  ///< Wall seconds for the whole run; the schedule shrinks to fit.
};

/// Why a method ended.
enum class Termination {
  kFinished,    ///< All planned steps were done.
  kConverged,   ///< The stop rule fired before the last planned step.
  kTimeBudget,  ///< The time budget ended training.
  kStopped,     ///< The caller asked to stop.
  kDiverged,    ///< Training failed (NaN); the result is the fallback named in `message`.
};

/// Name of a termination for records: "finished", "converged", "time-budget", "stopped", "diverged".
std::string to_string(Termination termination);

/// What a method did.
struct Summary {
  int64_t steps = 0;        ///< Training steps done, all stages together.
  double final_loss = 0.0;  ///< Mean loss of the last steps.
  double train_s = 0.0;     ///< Wall seconds spent training.
  double upscale_s = 0.0;   ///< Wall seconds spent producing the result.
  Termination termination = Termination::kFinished;
  std::string message;  ///< One line, empty when there is nothing to say.
};

}  // namespace zsr
