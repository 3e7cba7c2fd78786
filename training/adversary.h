#pragma once

#include "core/random.h"
#include "nn/model.h"
#include "nn/optim/flat_adam.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

namespace zsr::training {

/// Who judges a network's images.
struct AdversaryOptions {
  /// "unet" (a judgement a pixel; Wang et al. 2021), "patch" (Isola et al. 2017), or one of judge_graph: "dsgan",
  /// "cincgan", "cincgan-strided".
  std::string network = "unet";
  /// "vanilla" (cross entropy), "ls" (least squares; Mao et al. 2017) or "relativistic" (cross entropy of how much more
  /// real an image is than the others' mean; Jolicoeur-Martineau 2019).
  std::string loss = "vanilla";
  int64_t width = 32;           ///< > 0. Channels of its first layer.
  double learning_rate = 1e-4;  ///< > 0. Adam.
  double momentum = 0.9;        ///< In [0, 1). Adam's beta 1.
  /// 0 < gain <= 100. It sees gain times the distance of colours from 1/2: what is as faint as noise must be made large
  /// for convolutions of spectral norm 1.
  double gain = 1.0;
  /// Throws OptionError.
  void validate() const;
};

/// A discriminator that learns beside the network. The convolutions of unet and patch are divided by their largest
/// singular value (Miyato et al. 2018; one power iteration a step of its own), which keeps the judgement steady without
/// normalisation layers.
class Adversary {
 public:
  Adversary(const AdversaryOptions& options, Random& random, torch::Device device = torch::kCPU);

  /// What the network is to make small: how sure the adversary is that `made` [N, 3, H, W] is made, beside `real` where
  /// the loss is relativistic. Differentiable in `made`; sides of at least 32 pixels.
  torch::Tensor loss_of(const torch::Tensor& made, const torch::Tensor& real = {}) const;
  /// The gradient of its own loss on made and real images, flat; `value` receives the loss. Once a step.
  torch::Tensor gradient(const torch::Tensor& made, const torch::Tensor& real, double& value);
  /// Takes the step along `gradient`, at `rate_share` of its rate.
  void step(const torch::Tensor& gradient, double rate_share);
  /// Judgements [N, 1, h, w], positive where it believes that the image is real. `training`: batch normalisation uses
  /// this batch, and updates what it knows of all.
  torch::Tensor judge(const torch::Tensor& image, bool training = false) const;

  std::vector<NamedTensor> state(const std::string& prefix) const;
  /// Throws InputError.
  void load_state(const WeightsFile& file, const std::string& prefix);
  int64_t parameter_count() const { return values_.numel(); }

 private:
  struct Layer {
    int64_t in, out, side, stride;
    int64_t offset;      // of the weight in the flat values
    torch::Tensor left;  // singular vectors
    torch::Tensor right;
  };
  void add_layer(int64_t in, int64_t out, int64_t side, int64_t stride);
  torch::Tensor convolve(size_t layer, const torch::Tensor& x) const;
  torch::Tensor judge_unet(const torch::Tensor& image) const;
  torch::Tensor judge_patch(const torch::Tensor& image) const;
  void iterate_powers();

  void build_spectral(Random& random);

  AdversaryOptions options_;
  std::unique_ptr<nn::Model> graph_;  // of judge_graph; else the layers
  std::vector<Layer> layers_;
  torch::Tensor values_;  // flat leaf: weight, bias, layer by layer
  FlatAdam adam_;
};

}  // namespace zsr::training
