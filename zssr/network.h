#pragma once

#include "core/random.h"
#include "image/resize.h"
#include "nn/model.h"
#include "nn/optim/muon.h"
#include "zssr/options.h"

#include <torch/types.h>

namespace zsr::zssr {

/// The image-specific network: `depth` convolutions 3x3 of `width` channels without bias, ReLU between them; it gives
/// the residual over the cubic-upscaled LR image. With 8 x 64 on RGB: 224,640 parameters when pre-upsampled, receptive
/// field 17 x 17 pixels of the grid it works on. With a starting point it has that one's layers, weights and maps; an
/// EDSR gives the whole image, of which the residual is what is beyond the cubic-upscaled one.
class Network {
 public:
  /// `channels` 1 or 3; `scale` decides between the two architectures as Architecture says. Weights are drawn from
  /// `random`.
  Network(const Options& options, int64_t channels, Scale scale, Random& random, torch::Device device);

  /// Architecture in force.
  Architecture architecture() const { return architecture_; }
  /// Channels of the hidden layers.
  int64_t width() const;
  /// Flat parameters, float32, a leaf that requires gradients.
  const torch::Tensor& parameters() const { return parameters_; }
  /// Weights of the hidden layers as matrices [out, in * 9] inside the flat parameters.
  std::vector<MatrixSlice> hidden_matrices() const;
  /// Overwrites the parameters.
  void set_parameters(const torch::Tensor& values);
  /// Radius in LR pixels that an output pixel depends on through the network and the upscaling.
  int64_t halo(Scale scale) const;

  /// What the maps of a starting point say for the photo as it is ([1, 15, 1, 1], start_condition); no effect without.
  void set_condition(const torch::Tensor& condition);

  /// Residual at output size. `lr` [N, C, h, w] for kPixelShuffle; `base`, its cubic-upscaled version [N, C, H, W], for
  /// kPreUpsampled and EDSR. -> [N, C, H, W]. `turn`: the photo is turned and mirrored as by dihedral(photo, turn).
  torch::Tensor residual(const torch::Tensor& lr, const torch::Tensor& base, int64_t turn = 0) const;

 private:
  Architecture architecture_;
  int64_t channels_;
  int64_t factor_y_ = 1;
  int64_t factor_x_ = 1;
  bool has_start_ = false;
  bool is_edsr_ = false;
  nn::Model model_;
  int64_t depth_ = 0;  // convolutions
  torch::Tensor parameters_;
  torch::Tensor condition_;  // [1, 15, 1, 1], undefined without a starting point
};

/// The architecture that `options` and `scale` lead to.
Architecture resolve_architecture(const Options& options, Scale scale);

}  // namespace zsr::zssr
