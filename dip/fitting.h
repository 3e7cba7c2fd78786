#pragma once

#include "core/run_context.h"
#include "dip/observation.h"
#include "dip/skip_network.h"
#include "dip/stop_rule.h"
#include "nn/optim/flat_adam.h"

namespace zsr::dip {

/// One network fitted to one photo, or to one piece of it.
class Fitting {
 public:
  /// `photo` on the device of the network; the input noise is drawn from `seed`.
  Fitting(SkipNetwork& network, const torch::Tensor& photo, const Options& options, uint64_t seed);

  /// One step; returns its loss. When the fit has fallen by more than 5 dB since the last step, or the loss is no
  /// number, the weights go back, the latter with half the rate; `exhausted` then tells whether that has happened too
  /// often.
  double step();
  /// Whether the stop rule ends it.
  bool finished() const { return options_.stop == StopRule::kVariance && rule_.finished(); }
  bool exhausted() const { return failures_ > kMostFailures; }
  int64_t restored() const { return restored_; }
  int64_t steps() const { return steps_; }
  /// Step that `image` is of.
  int64_t best_step() const;
  /// Step that the rule of StopRule::kVariance chose or, before it would have stopped, would choose; also where it does
  /// not rule. 0 before its window is full.
  int64_t rule_step() const { return rule_step_; }
  /// The best image so far, [1, C, h * scale, w * scale]; without average, of the input without added noise.
  torch::Tensor image() const;
  /// The image as it is now.
  torch::Tensor current() const;

 private:
  static constexpr int64_t kMostFailures = 8;
  torch::Tensor noisy_input();
  torch::Tensor cropped(const torch::Tensor& canvas) const;

  SkipNetwork& network_;
  const Options& options_;
  Observation observation_;
  int64_t height_, width_;  // of the image inside the canvas, whose sides the network can halve
  torch::Tensor input_, noise_;
  FlatAdam adam_;
  VarianceRule rule_;
  uint64_t seed_;
  double rate_;
  double last_psnr_ = 0.0;
  torch::Tensor last_parameters_;
  torch::Tensor average_, best_;
  int64_t steps_ = 0, restored_ = 0, failures_ = 0, rule_step_ = 0;
  bool rule_ended_ = false;
};

}  // namespace zsr::dip
