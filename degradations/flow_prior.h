#pragma once

#include "core/random.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <vector>

namespace zsr {

/// A normalising flow over blur kernels: five affine coupling layers, each with a normalisation behind it, that take a
/// kernel to normal numbers and back (FKP: Liang, Zhang, Gu, Van Gool and Timofte, "Flow-based kernel prior with
/// application to blind super-resolution", CVPR 2021; FKP/network.py of their release, whose files it reads and
/// writes). What lies within the sphere of the latent numbers is a plausible kernel, so that a search for one need not
/// leave it.
///
/// The release's kernels follow KernelConvention::kFkp: correlation, centre of mass at (side - scale) / 2; turned half
/// around they are aligned.
class FlowPrior {
 public:
  /// For kernels of `side` x `side` (odd, 3 to 63), `hidden` units in each layer; weights as PyTorch draws them.
  /// `scale`: the factor that the kernels belong to, which decides how they are normalised. Throws OptionError.
  FlowPrior(int64_t side, int64_t hidden, int64_t scale, Random& random);
  /// The published sizes for x2, x3, x4 and x8: 11, 15, 19 and 21 pixels; 15, 20, 25 and 25 units.
  static FlowPrior for_scale(int64_t scale, Random& random);
  static bool is_prior(const WeightsFile& file);
  /// Throws InputError.
  static FlowPrior from_weights(const WeightsFile& file);
  WeightsFile weights() const;

  int64_t side() const { return side_; }
  /// The factor whose kernels have this size: (side - 3) / 4, at most 4 (21 pixels: 8).
  int64_t scale() const;
  /// Numbers that are trained: 41,270 for x2, 98,900 for x3, 194,470 for x4.
  int64_t parameter_count() const;
  /// Leaves; who trains them asks for their gradients.
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }

  /// Latent [N, side^2] -> kernels [N, 1, side, side], all entries > 0, sum about 1; differentiable in the latent.
  torch::Tensor decode(const torch::Tensor& latent) const;
  /// Kernels [N, 1, side, side] -> log of their density, [N], those of the dequantised, logit-transformed kernel as in
  /// the release: `dequantise` [N, 1, side, side] uniform in [0, 1). `training`: normalisations take this batch's
  /// statistics, and remember them.
  torch::Tensor log_density(const torch::Tensor& kernels, const torch::Tensor& dequantise, bool training = false);

 private:
  static constexpr size_t kLayers = 3;
  struct Mlp {
    std::array<torch::Tensor, kLayers> weight, bias;
  };
  struct Block {
    torch::Tensor mask;  // [side^2] of 0 and 1: 1 passes unchanged and decides what becomes of the others
    Mlp scale, move;
    torch::Tensor log_gain, shift, running_mean, running_variance;
  };
  FlowPrior() = default;
  void collect_parameters();

  int64_t side_ = 0;
  double peak_ = 0.0;  // what kernels are divided by
  std::vector<Block> blocks_;
  std::vector<torch::Tensor> parameters_;
};

}  // namespace zsr
