#pragma once

#include "core/run_context.h"

#include <chrono>
#include <string>
#include <vector>

namespace zsr::cli {

/// One step of a training stage.
struct LossPoint {
  std::string stage;
  int64_t step = 0;
  double loss = 0.0;
};

/// Shows a method's progress on stderr: a bar with it/s, loss and time left on a terminal, a plain line now and then
/// elsewhere. Answers the method from the interrupt flag.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(bool quiet);

  /// For RunContext::progress.
  ProgressAction operator()(const Progress& progress);
  /// Keeps the losses of what goes by from now on in `to`, subsampled to some thousand points; null: no more.
  void keep_losses(std::vector<LossPoint>* to);
  /// Ends the bar's line. Call before printing anything else.
  void finish();

 private:
  void print_bar(const Progress& progress, double rate, double left_s);
  void print_line(const Progress& progress, double rate, double left_s);

  void keep(const Progress& progress);

  bool quiet_;
  bool terminal_;
  std::vector<LossPoint>* losses_ = nullptr;
  int64_t keep_every_ = 1;
  int64_t offered_ = 0;
  bool bar_open_ = false;
  std::string stage_;
  std::chrono::steady_clock::time_point stage_start_;
  int64_t stage_first_step_ = 0;
  std::chrono::steady_clock::time_point last_print_;
};

/// "8 s", "2 min 05 s", "1 h 02 min".
std::string format_seconds(double seconds);

}  // namespace zsr::cli
