#pragma once

#include "nn/weights/weights_file.h"
#include "training/content_features.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::training {

/// Features of SqueezeNet 1.0 (Iandola et al. 2016), compared as in LPIPS (Zhang et al. 2018) but with equal weights
/// instead of learned ones: at every place the features of a layer are scaled to length one over the channels.
class SqueezeNetFeatures : public ContentFeatures {
 public:
  /// "fire2", "fire3", "fire4", "fire5" and "fire7". Their receptive fields are 19, 27, 35, 59 and 91 pixels wide.
  static const std::vector<std::string>& default_layers();

  /// `weights`: of parse_squeezenet. `layers`: at least one of "conv1" and "fire2" to "fire9"; their outputs after the
  /// activation are compared. Throws OptionError for an unknown layer, and InputError for weights that do not fit.
  explicit SqueezeNetFeatures(const WeightsFile& weights, const std::vector<std::string>& layers = default_layers());

  /// Squared distance of the unit-length features of two images, mean over places and layers, in [0, 2]. Layers whose
  /// output would be smaller than 2x2 are left out: 32x32 pixels reach fire8, 9x9 conv1 only. Throws OptionError when
  /// no layer is left or the sizes differ.
  torch::Tensor distance(const torch::Tensor& made, const torch::Tensor& target) const override;

 private:
  struct Conv {
    torch::Tensor weight;
    torch::Tensor bias;
    torch::Tensor apply(const torch::Tensor& x, int64_t stride, int64_t padding) const;
  };
  struct Stage {
    std::string name;
    bool pooled = false;  // before it
    bool compared = false;
    std::vector<Conv> convs;  // conv1, or squeeze, expand 1x1 and expand 3x3
    torch::Tensor run(const torch::Tensor& x) const;
  };
  // Unit-length features of the compared layers that are large enough.
  std::vector<torch::Tensor> features(const torch::Tensor& image) const;
  std::vector<Stage> stages_;  // up to the last that is compared
};

}  // namespace zsr::training
