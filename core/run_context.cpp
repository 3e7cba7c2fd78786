#include "core/run_context.h"

namespace zsr {

std::string to_string(Termination termination) {
  switch (termination) {
    case Termination::kFinished:
      return "finished";
    case Termination::kConverged:
      return "converged";
    case Termination::kTimeBudget:
      return "time-budget";
    case Termination::kStopped:
      return "stopped";
    case Termination::kDiverged:
      return "diverged";
  }
  return "unknown";
}

}  // namespace zsr
