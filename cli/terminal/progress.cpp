#include "cli/terminal/progress.h"

#include "cli/terminal/interrupt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unistd.h>

namespace zsr::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kBarEvery_s = 0.1;
constexpr double kLineEvery_s = 5.0;
constexpr int kBarWidth = 24;

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

// Stages without a loss say none.
std::string loss_text(const Progress& progress) {
  return progress.loss == 0.0 ? "" : fmt::format("  loss {:.5f}", progress.loss);
}

}  // namespace

std::string format_seconds(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

ProgressPrinter::ProgressPrinter(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressPrinter::keep_losses(std::vector<LossPoint>* to) {
  losses_ = to;
  keep_every_ = 1;
  offered_ = 0;
}

void ProgressPrinter::keep(const Progress& progress) {
  constexpr size_t kMost = 4000;
  if (offered_++ % keep_every_ != 0) return;
  losses_->push_back({progress.stage, progress.step, progress.loss});
  if (losses_->size() < kMost) return;
  for (size_t i = 0; 2 * i < losses_->size(); ++i) (*losses_)[i] = (*losses_)[2 * i];
  losses_->resize(losses_->size() / 2);
  keep_every_ *= 2;
}

ProgressAction ProgressPrinter::operator()(const Progress& progress) {
  if (losses_ != nullptr && progress.loss != 0.0) keep(progress);
  if (!quiet_) {
    const auto now = Clock::now();
    const bool new_stage = progress.stage != stage_;
    if (new_stage) {
      finish();
      stage_ = progress.stage;
      stage_start_ = now;
      stage_first_step_ = progress.step;
      last_print_ = now;
    }
    const bool last = progress.step >= progress.total_steps;
    const double since = seconds_between(last_print_, now);
    if (last || since >= (terminal_ ? kBarEvery_s : kLineEvery_s)) {
      last_print_ = now;
      const double elapsed = seconds_between(stage_start_, now);
      const double rate = elapsed > 0.0 ? static_cast<double>(progress.step - stage_first_step_) / elapsed : 0.0;
      const double left = rate > 0.0 ? static_cast<double>(progress.total_steps - progress.step) / rate : 0.0;
      terminal_ ? print_bar(progress, rate, left) : print_line(progress, rate, left);
    }
  }
  return interrupted() ? ProgressAction::kStop : ProgressAction::kContinue;
}

void ProgressPrinter::print_bar(const Progress& progress, double rate, double left_s) {
  const double part =
      static_cast<double>(progress.step) / static_cast<double>(std::max<int64_t>(1, progress.total_steps));
  const int filled = std::clamp(static_cast<int>(part * kBarWidth), 0, kBarWidth);
  fmt::print(stderr, "\r\033[K{:<12} [{}{}] {}/{}  {:.1f} it/s{}  ETA {}", progress.stage, std::string(filled, '#'),
             std::string(kBarWidth - filled, '.'), progress.step, progress.total_steps, rate, loss_text(progress),
             format_seconds(left_s));
  std::fflush(stderr);
  bar_open_ = true;
}

void ProgressPrinter::print_line(const Progress& progress, double rate, double left_s) {
  fmt::print(stderr, "{} {}/{}  {:.1f} it/s{}  ETA {}\n", progress.stage, progress.step, progress.total_steps, rate,
             loss_text(progress), format_seconds(left_s));
}

void ProgressPrinter::finish() {
  if (bar_open_) fmt::print(stderr, "\n");
  bar_open_ = false;
  stage_.clear();
}

}  // namespace zsr::cli
