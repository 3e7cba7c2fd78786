#pragma once

#include "core/conv/conv_layer.h"
#include "core/weights/weights_file.h"
#include "degradations/kernel.h"

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr::zssr {

/// A trained starting point for the network that works on the photo's own grid (Architecture::kPixelShuffle), in the
/// spirit of MZSR (Soh, Cho and Cho, CVPR 2020): trained on many photos, kernels and levels of noise (`zsr train
/// zssr-start`). It sees, beside RGB, what the kernel lets pass (kernel_code), the noise and where the LR grid stands
/// as maps of one number each, so that it knows the blur before its first test-time step. It is EDSR's trunk, a head,
/// residual blocks and a sum over them, without biases, and one convolution for all pixels of the output.
///
/// A trained EDSR is one too, told nothing: for photos that bicubic interpolation made smaller, without noise.
struct Start {
  std::string name;  ///< Of its file, or that under which it comes with zsr.
  int64_t scale = 0;
  int64_t blocks = 0;  ///< Residual blocks of two convolutions.
  int64_t width = 0;
  bool is_edsr = false;
  std::vector<torch::Tensor> weights;  ///< Of each of layers(3), [out, in, 3, 3] float32.
  std::vector<torch::Tensor> biases;   ///< Of EDSR's layers, [out] float32; else empty.

  /// Maps beside RGB.
  static constexpr int64_t kMaps = 15;
  /// Noise that the last map tells as 1, in [0, 1] units of the photo.
  static constexpr double kNoiseUnit = 0.1;

  /// Its convolutions for a photo of `colors` channels; EDSR's are always for 3.
  std::vector<ConvLayer> layers(int64_t colors) const;
  /// Name in a weights file of convolution `layer`, "head.0" to "tail"; those of EDSR's trunk are EDSR's.
  std::string name_of(int64_t layer) const;

  /// Throws InputError when the file holds neither a starting point nor an EDSR.
  static Start from_weights(const WeightsFile& file);
  /// One that comes with zsr (core/weights/shipped.h).
  static std::shared_ptr<const Start> shipped(const std::string& name);
  /// Whether the file holds one that is told kernel and noise.
  static bool is_start(const WeightsFile& file);

 private:
  static Start from_edsr(const WeightsFile& file);
};

/// What the maps say: code of `kernel` (the whole way down, cubic when empty), `noise` in [0, 1] units, `phase` of the
/// LR grid. [1, 15, 1, 1].
torch::Tensor start_condition(const std::optional<BlurKernel>& kernel, double noise, int64_t scale, Phase phase);

/// The same for a photo turned and mirrored as dihedral(photo, index).
torch::Tensor turned_condition(const torch::Tensor& condition, int64_t index);

}  // namespace zsr::zssr
