#pragma once

#include "core/random.h"
#include "degradations/estimation/blur/symmetric_log.h"
#include "nn/kernels/conv_chain.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <array>
#include <vector>

namespace zsr::blur {

/// A small network that tells the blur of a photo from its patches, in the photo's own pixels. It sees the luma of 96 x
/// 96 pixels, brought to mean 0 and deviation 1. Two chains of 3 x 3 convolutions (on 2 x 2 blocks of pixels, then at
/// half that size) give 64 channels whose means are the patch's features; the features of many patches are averaged,
/// and the logarithms of the averages go through two linear layers to the logarithm of the blur's covariance (`log_of`)
/// and of the error to expect. Averaging before the answer matters: one patch says little, so the best answer to one
/// alone lies near the middle of all blurs, and the mean of such answers does too.
class BlurPredictor {
 public:
  static constexpr int64_t kPatch = 96;

  /// Untrained, drawn from `random`.
  explicit BlurPredictor(Random& random);
  /// Throws InputError when the tensors are not those of this network.
  explicit BlurPredictor(const WeightsFile& weights);
  /// Whether the weights say that they are such a network.
  static bool is_predictor(const WeightsFile& weights);
  /// The one that comes with zsr.
  static const BlurPredictor& shipped();

  /// `patches` [N, 1, 96, 96] float32, normalised -> their features [N, 64].
  torch::Tensor features(const torch::Tensor& patches) const;
  /// Averaged features [N, 64] -> [N, 4]: logarithm of the covariance, logarithm of the error.
  torch::Tensor head(const torch::Tensor& features) const;
  /// The parameters; they ask for gradients only when the caller tells them to.
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  /// The parameters in half precision under their names.
  WeightsFile weights() const;

 private:
  BlurPredictor();
  ConvChain fine_;
  ConvChain coarse_;
  std::vector<torch::Tensor> parameters_;  // fine, coarse, linear 1 weight and bias, linear 2 weight and bias
};

/// (luma - mean) / deviation of one patch [.., 96, 96].
torch::Tensor normalized_patch(const torch::Tensor& luma);

/// The features of one patch of a photo.
struct PatchFeatures {
  int64_t y = 0;  ///< Its first row and column.
  int64_t x = 0;
  int64_t side = 0;
  torch::Tensor features;  ///< [4, 64]: as it is, transposed, upside down, both.
};

/// Features of the photo's most textured patches (half overlapping, at most `most`). `luma` [h, w] float32 in [0, 1],
/// at least 96 x 96.
std::vector<PatchFeatures> patch_features(const BlurPredictor& predictor, const torch::Tensor& luma, int64_t most = 96);

/// What the patches say together: the mean answer for the four ways to look at them.
struct PredictedBlur {
  Covariance covariance;        ///< In the photo's pixels.
  double expected_error = 0.0;  ///< Of the logarithm of the covariance, as the network expects it.
};
PredictedBlur predict_blur(const BlurPredictor& predictor, const std::vector<PatchFeatures>& patches);

}  // namespace zsr::blur
