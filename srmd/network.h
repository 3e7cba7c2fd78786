#pragma once

#include "core/conv/conv_chain.h"
#include "core/weights/weights_file.h"

#include <torch/types.h>

#include <memory>
#include <string>

namespace zsr::srmd {

/// The network of SRMD (Zhang, Zuo and Zhang, CVPR 2018): 3 x 3 convolutions (published: twelve of 128 channels) with
/// ReLUs between them (batch normalisation merged into the weights), the last to 3 scale^2 channels that are shuffled
/// to pixels. Beside the photo it sees the blur kernel's code, 15 numbers, and, unless it is the noise-free variant
/// (SRMDNF), the noise level, each stretched over the photo as a map of its own.
///
/// The same maps also go with EDSR's trunk ("srmd-edsr" of zsr train), whose shortcuts make it learn faster and which
/// can begin as a trained EDSR. Its names and ranges are EDSR's (networks/edsr_layers.h).
class Network {
 public:
  static constexpr int64_t kComponents = 15;
  /// LR pixels to each side that a result depends on.
  int64_t reach() const { return reach_; }

  /// Weights under KAIR's names (model.0.weight, ...), ncnn's (Conv_0.weight, ...), or EDSR's (head.0.weight, ...).
  /// Throws InputError when they are not those of such a network.
  explicit Network(const WeightsFile& weights);

  int64_t scale() const { return scale_; }
  bool knows_noise() const { return knows_noise_; }
  /// Whether its convolutions are EDSR's, not the published chain.
  bool on_edsr() const { return on_edsr_; }
  int64_t parameter_count() const { return parameters_.numel(); }

  /// `maps` [N, 18 or 19, h, w] float32: RGB in [0, 1], code, noise / 255 -> [N, 3, scale h, scale w].
  torch::Tensor forward(const torch::Tensor& maps) const;

 private:
  void build_chain(const WeightsFile& weights);
  void build_on_edsr(const WeightsFile& weights);

  int64_t scale_ = 0;
  int64_t reach_ = 0;
  bool on_edsr_ = false;
  bool knows_noise_ = false;
  std::unique_ptr<ConvChain> chain_;
  torch::Tensor parameters_;
};

/// Whether the tensors' names and shapes are those of SRMD.
bool is_srmd(const WeightsFile& weights);

}  // namespace zsr::srmd
