#pragma once

#include "nn/weights/weights_file.h"
#include "training/content_features.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::training {

/// The content loss of SRGAN and ESRGAN: how far two images are apart in what a VGG network (Simonyan and Zisserman
/// 2015) sees. The weights are the user's: torchvision's vgg16 or vgg19 files (features.0.weight, ...).
class VggFeatures : public ContentFeatures {
 public:
  /// `layer`: "conv5_4" and the like, before its activation (Wang et al. 2018). Throws OptionError for a name that is
  /// none and InputError for a file that does not hold the layers down to it.
  VggFeatures(const WeightsFile& weights, const std::string& layer);

  /// Mean absolute difference of the features of two [N, 3, H, W] images in [0, 1]; differentiable in the first.
  torch::Tensor distance(const torch::Tensor& made, const torch::Tensor& target) const override;

 private:
  torch::Tensor features(const torch::Tensor& image) const;
  struct Layer {
    torch::Tensor weight;  // undefined: a pooling
    torch::Tensor bias;
  };
  std::vector<Layer> layers_;
};

}  // namespace zsr::training
