#pragma once

#include "degradations/kernel.h"
#include "networks/condition.h"
#include "networks/config.h"
#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>

namespace zsr::zssr {

/// A pretrained starting point for the network that works on the photo's own grid (Architecture::kPixelShuffle), in the
/// spirit of MZSR (Soh, Cho and Cho, CVPR 2020): trained on many photos, kernels and levels of noise (`zsr train
/// zssr-start`). It is conditioned on what the kernel lets pass (kernel_code), the noise and where the LR grid stands,
/// so that it knows the blur before its first test-time step.
///
/// A trained EDSR is one too, without condition: for photos that bicubic interpolation made smaller, without noise.
struct Start {
  std::string name;  ///< Of its file, or that under which it comes with zsr.
  int64_t scale = 0;
  int64_t blocks = 0;  ///< Residual blocks of two convolutions.
  int64_t width = 0;
  bool is_edsr = false;
  networks::Config config;
  torch::Tensor parameters;  ///< Of graph(3), flat float32.

  /// Maps beside the colours.
  static constexpr int64_t kMaps = networks::kStartMaps;
  /// Noise of which the last map is 1, in [0, 1] units of the photo.
  static constexpr double kNoiseUnit = 0.1;

  /// The network for a photo of `colors` channels; EDSR's is always for 3.
  nn::Graph graph(int64_t colors) const;
  /// Its parameters; for a gray photo the colours of the first and the last convolution become one.
  torch::Tensor parameters_for(int64_t colors) const;

  /// Throws InputError when the file holds neither a starting point nor an EDSR.
  static Start from_weights(const WeightsFile& file);
  /// One that comes with zsr (nn/weights/shipped.h).
  static std::shared_ptr<const Start> shipped(const std::string& name);
  /// Whether the file holds one that is conditioned on kernel and noise.
  static bool is_start(const WeightsFile& file);
};

/// What the maps say: code of `kernel` (the whole way down, cubic when empty), `noise` in [0, 1] units, `phase` of the
/// LR grid. [1, 15, 1, 1].
torch::Tensor start_condition(const std::optional<BlurKernel>& kernel, double noise, int64_t scale, Phase phase);

/// The same for a photo turned and mirrored as dihedral(photo, index).
torch::Tensor turned_condition(const torch::Tensor& condition, int64_t index);

}  // namespace zsr::zssr
