#pragma once

#include "core/conv/conv_chain.h"
#include "core/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zsr::networks {

/// Configuration of the restoration network: EDSR's residual trunk at the size of the photo, conditioned on how noisy
/// and how compressed the photo is, and one output convolution with pixel shuffle for each scale. The trunk is shared,
/// so that all scales are trained together and one file serves them all. The result is the photo's own pixels (nearest
/// enlargement) plus what the network adds.
struct RestorerConfig {
  int64_t width = 48;
  int64_t blocks = 16;
  std::vector<int64_t> scales = {1, 2, 3, 4};  ///< Rising, each 1 to 4.
};

/// How a photo is damaged, as far as it is known; an unknown level is left to the network.
struct Damage {
  static constexpr double kMaxNoise = 75.0;
  std::optional<double> noise;         ///< Standard deviation, 1/255, 0 to kMaxNoise.
  std::optional<double> jpeg_quality;  ///< 1 to 100; 100 = not compressed.
};

/// Condition maps in front of the trunk: is the noise known, its level, is the JPEG quality known, its loss.
constexpr int64_t kDamageMaps = 4;
std::vector<float> damage_maps(const Damage& damage);

/// The network of one configuration, for training and for inference.
class Restorer {
 public:
  explicit Restorer(RestorerConfig config);

  const RestorerConfig& config() const { return config_; }
  /// Whether it has an output for `scale`.
  bool has_scale(int64_t scale) const;
  /// All parameters, flat: the trunk, then the outputs by rising scale.
  int64_t parameter_count() const { return trunk_count_ + tails_count_; }
  /// Input pixels to each side that an output pixel depends on.
  int64_t receptive_radius() const { return 2 * config_.blocks + 3; }

  /// [N, 3 + kDamageMaps, h, w] (RGB in [0, 1], then damage_maps as constant maps) and flat parameters -> [N, 3,
  /// scale h, scale w], not clamped. Differentiable in both. Throws OptionError for a scale that it has not.
  torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale) const;

  /// A convolution inside the flat parameters.
  struct Layer {
    std::string name;      ///< In weights files: EDSR's names, "tail.x4" for the outputs.
    int64_t offset;        ///< Of the weight; the bias follows it.
    int64_t out, in;       ///< Weight [out, in, 3, 3], bias [out].
    bool residual;         ///< Its result is added to an earlier image.
    bool output;           ///< One of the outputs.
  };
  const std::vector<Layer>& layers() const { return layers_; }
  /// Views of a layer's weight [out, in, 3, 3] and bias [out].
  static torch::Tensor weight(const torch::Tensor& parameters, const Layer& layer);
  static torch::Tensor bias(const torch::Tensor& parameters, const Layer& layer);

 private:
  RestorerConfig config_;
  std::vector<ConvChain> chains_;  // trunk and output, by scale
  std::vector<Layer> layers_;
  int64_t trunk_count_ = 0;
  int64_t tails_count_ = 0;
};

/// The configuration of the restorer in `weights`; empty when it holds none.
std::optional<RestorerConfig> restorer_config_of(const WeightsFile& weights);

}  // namespace zsr::networks
