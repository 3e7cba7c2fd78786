#pragma once

#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr {

/// LPIPS (Zhang et al. 2018, version 0.1), lower is better: how far two images are apart in what a classification
/// network sees, each channel weighed as people's judgements have it. The weights are the user's: torchvision's AlexNet
/// or VGG-16 as the backbone, and the heads that the authors published for it.
class Lpips {
 public:
  /// Tells AlexNet from VGG-16 by its first convolution. Throws InputError naming the file that lacks something or does
  /// not belong to the other.
  Lpips(const WeightsFile& backbone, const WeightsFile& heads);

  /// Of two [1, 1 or 3, H, W] images in [0, 1], equal in size. Throws InputError when they differ in size or are too
  /// small for the network (31 pixels for AlexNet, 16 for VGG-16).
  double distance(const torch::Tensor& a, const torch::Tensor& b) const;

  /// "alex" or "vgg".
  const std::string& backbone() const { return name_; }

 private:
  struct Layer {
    torch::Tensor weight, bias;
    int64_t stride = 1, padding = 1;
    int64_t pool = 0;         // side of the largest-value pooling before the convolution, stride 2; 0 = none
    torch::Tensor head = {};  // [C], after the layers that are compared
  };
  std::string name_;
  std::vector<Layer> layers_;
};

}  // namespace zsr
