#pragma once

#include "core/random.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

namespace zsr::training {

using networks::Condition;

/// Any network of networks/ under training: its graph, and its parameters as one flat tensor.
class Network {
 public:
  /// With weights drawn from `random`. Throws OptionError for a configuration that cannot be.
  Network(const networks::Kind& kind, networks::Config config, Random& random);

  const networks::Kind& kind() const { return *kind_; }
  const networks::Config& config() const { return config_; }
  /// The factors it enlarges by, rising.
  const std::vector<int64_t>& scales() const { return config_.scales; }
  Condition condition() const { return kind_->traits.condition; }
  int64_t condition_maps() const;
  /// Whether it is trained by the likelihood of levels: level_entropy() in place of other losses.
  bool pixel_by_pixel() const { return kind_->traits.pixel_by_pixel; }
  /// Whether it makes what the cubically enlarged photo lacks.
  bool gives_residual() const { return kind_->traits.gives_residual; }

  /// [N, 3 + condition_maps(), h, w], RGB in [0, 1] first -> [N, C, scale h, scale w]; differentiable in `parameters`
  /// (flat) and the input. A network for luma gets BT.601's Y, enlarged first where it works on the large grid, and
  /// makes Y: C = 1. `scale`: one of `scales()`; 0 = the only one. `training`: see nn::Model::forward. `kernels`: see
  /// Batch::kernels.
  torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale = 0,
                        bool training = false, const torch::Tensor& kernels = {}) const;
  /// A result on the way, `size` times as large as the network's own (at most 1).
  struct Intermediate {
    torch::Tensor made;
    double size = 1.0;
  };
  /// What `forward` makes, and the graph's results on the way to it, in their order.
  struct Results {
    torch::Tensor made;
    std::vector<Intermediate> on_the_way;
  };
  Results forward_all(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale = 0,
                      bool training = false, const torch::Tensor& kernels = {}) const;
  /// Whether there are results on the way to that of any scale.
  bool has_intermediates() const;
  /// What it gives the levels of `hr` [N, 3, scale h, scale w] in [0, 1] for `lr` [N, 3, h, w], where pixel_by_pixel():
  /// cross entropies in nats a colour value, of both its parts together and of the conditioning one alone.
  struct LevelEntropy {
    torch::Tensor both;
    torch::Tensor conditioning;
  };
  LevelEntropy level_entropy(const torch::Tensor& lr, const torch::Tensor& hr, const torch::Tensor& parameters,
                             bool training) const;
  /// Where it computes from now on; `forward` and `target` bring there what they are given.
  void move_to(torch::Device device);
  torch::Device device() const { return parameters_.device(); }
  /// What `forward` is compared with, of [N, 3, H, W]: itself, or its luma.
  torch::Tensor target(const torch::Tensor& hr) const;

  /// Flat float32 values, a leaf that requires gradients.
  const torch::Tensor& parameters() const { return parameters_; }
  std::vector<MatrixSlice> hidden_matrices() const { return nn::hidden_matrices(model_.graph()); }
  /// `values` (flat) as a weights file that zsr, and the published code, can use.
  WeightsFile weights(const torch::Tensor& values) const;
  /// Takes the values of `file`, which must hold this very network. Throws InputError with the first differences.
  void load(const WeightsFile& file);
  /// Begins with what `file` shares with this network: another scale's, a shallower one's (what is new begins without
  /// effect), one without condition. Throws InputError when they share no convolution.
  void begin_with(const WeightsFile& file);

 private:
  // What the graph gets, and the scale it is asked for.
  std::pair<std::vector<torch::Tensor>, int64_t> graph_inputs(const torch::Tensor& given, torch::Device device,
                                                              int64_t scale, const torch::Tensor& kernels) const;

  const networks::Kind* kind_;
  networks::Config config_;
  nn::Model model_;
  torch::Tensor parameters_;
};

}  // namespace zsr::training
