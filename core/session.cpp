#include "core/session.h"

#include "core/error.h"

#include <limits>
#include <utility>

namespace zsr {

Session::Session(const RunContext& context, std::string kept, double earlier_s)
    : context_(context), kept_(std::move(kept)), earlier_s_(earlier_s) {}

void Session::report(const std::string& stage, int64_t step, int64_t total, double loss) {
  if (!context_.progress) return;
  const ProgressAction action = context_.progress({stage, step, total, loss, elapsed_s()});
  if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; " + kept_);
  if (action == ProgressAction::kStop) stopped_ = true;
}

double Session::elapsed_s() const {
  return earlier_s_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

double Session::time_left_s() const {
  if (!context_.time_budget_s) return std::numeric_limits<double>::infinity();
  return *context_.time_budget_s - (elapsed_s() - earlier_s_);
}

Termination Session::termination(Termination otherwise) const {
  if (stopped_) return Termination::kStopped;
  return out_of_time() ? Termination::kTimeBudget : otherwise;
}

}  // namespace zsr
