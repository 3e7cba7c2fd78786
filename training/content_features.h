#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace zsr::training {

/// The content (perceptual) loss: how far apart two images are in the features of a trained classification network
/// (Johnson et al. 2016).
class ContentFeatures {
 public:
  virtual ~ContentFeatures() = default;

  /// Distance of two RGB images [N, 3, H, W] in [0, 1], a scalar >= 0, averaged over the batch; differentiable in
  /// `made`. Both must have one size.
  virtual torch::Tensor distance(const torch::Tensor& made, const torch::Tensor& target) const = 0;
};

/// Reads a feature network: SqueezeNet 1.0 as a Deep Compression file, or weights of torchvision's vgg16 or vgg19,
/// recognised apart by content. `layer`: empty for the default, else one VGG layer ("conv5_4"), or SqueezeNet layers
/// separated by commas ("fire2,fire4"). Throws IoError, OptionError for an unknown layer, and InputError for a file
/// that is neither or is damaged.
std::shared_ptr<const ContentFeatures> load_content_features(const std::filesystem::path& path,
                                                             const std::string& layer = "");

}  // namespace zsr::training
