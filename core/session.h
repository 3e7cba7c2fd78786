#pragma once

#include "core/run_context.h"

#include <chrono>
#include <string>

namespace zsr {

/// One run of a method beside its caller: progress, the wish to stop, elapsed time and the time budget.
class Session {
 public:
  /// The clock starts now. `context` must outlive the session. `kept`: what remains where the caller aborts, for the
  /// message of Cancelled. `earlier_s`: seconds that earlier runs took, for the caller; the time budget is this run's.
  explicit Session(const RunContext& context, std::string kept = "nothing was written", double earlier_s = 0.0);

  /// Tells the caller that `step` of `total` steps of `stage` are done. Throws Cancelled where the answer is kAbort.
  void report(const std::string& stage, int64_t step, int64_t total, double loss = 0.0);

  /// Whether the caller has asked to finish cleanly with the best result so far.
  bool stopped() const { return stopped_; }

  /// Seconds since the session began, after those of earlier runs.
  double elapsed_s() const;

  /// Seconds left of the time budget, negative once it is over; infinity where there is none.
  double time_left_s() const;
  bool out_of_time() const { return time_left_s() < 0.0; }

  /// kStopped, kTimeBudget, or `otherwise`.
  Termination termination(Termination otherwise = Termination::kFinished) const;

  const RunContext& context() const { return context_; }

 private:
  const RunContext& context_;
  std::string kept_;
  double earlier_s_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool stopped_ = false;
};

}  // namespace zsr
