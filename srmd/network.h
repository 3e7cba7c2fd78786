#pragma once

#include "networks/condition.h"
#include "networks/placed.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>

namespace zsr::srmd {

/// A trained network of SRMD (networks/srmd.cpp): the published chain, or its maps on EDSR's trunk. It runs on the
/// device where its input is.
class Network {
 public:
  static constexpr int64_t kComponents = networks::kSrmdComponents;

  /// Throws InputError when the weights are not those of such a network.
  explicit Network(const WeightsFile& weights);

  int64_t scale() const { return scale_; }
  /// LR pixels to each side that a result depends on.
  int64_t reach() const { return reach_; }
  /// Memory for each LR pixel.
  double pixel_bytes() const { return pixel_bytes_; }
  bool knows_noise() const { return knows_noise_; }
  /// Whether its convolutions are EDSR's, not the published chain.
  bool on_edsr() const { return on_edsr_; }
  int64_t parameter_count() const { return parameters_.count(); }
  /// The weights' file or name, for messages.
  const std::string& origin() const { return origin_; }

  /// `maps` [N, 18 or 19, h, w] float32: RGB in [0, 1], code, noise / 255 -> [N, 3, scale h, scale w].
  torch::Tensor forward(const torch::Tensor& maps) const;

 private:
  Network(const networks::Kind& kind, const WeightsFile& weights);
  Network(const networks::Kind& kind, const networks::Config& config, const WeightsFile& weights);

  std::string origin_;
  bool on_edsr_ = false;
  bool knows_noise_ = false;
  int64_t scale_ = 0;
  int64_t reach_ = 0;
  double pixel_bytes_ = 0.0;
  nn::Model model_;
  networks::Placed parameters_;
};

/// Whether the tensors' names and shapes are those of SRMD.
bool is_srmd(const WeightsFile& weights);

}  // namespace zsr::srmd
