#pragma once

#include "degradations/estimation/blur/blur_evidence.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <array>
#include <string>

namespace zsr::blur {

/// What the regression says of a photo.
struct BlurAnswer {
  Covariance covariance;        ///< Of the blur, photo pixels squared, if it is a Gaussian.
  double expected_error = 0.0;  ///< Of its variances, relative, about the median.
  double most_error = 0.0;      ///< Under which the verdict "good" holds often enough; measured.
  /// A factor for the larger and the smaller width: the true one lies between width / factor and width * factor in
  /// nine of ten photos (kernelgan/README.md has the measured part).
  std::array<double, 2> interval{1.0, 1.0};
  double gaussian = 0.0;  ///< About 1 for a Gaussian blur, -1 for what imresize leaves, 0 where they look alike.
  double likeness = 0.0;  ///< Of the photo to those that it was fitted to: 1 = the same, 0 = nothing in common.
};

/// Kernel ridge regression from a photo's evidence to its blur and to the error to expect: photos degraded by known
/// kernels are the examples, reduced to some centres (the Nystroem method; Williams and Seeger, "Using the Nystroem
/// method to speed up kernel machines", 2001), with a linear part. It weighs predictor and spectrum by what they were
/// worth on photos like this one.
class BlurRegression {
 public:
  /// Throws InputError when the tensors are not those of such a regression.
  explicit BlurRegression(const WeightsFile& weights);
  /// Whether the weights say that they are one.
  static bool is_regression(const WeightsFile& weights);
  /// The one that comes with zsr (bench/fit-blur-regression).
  static const BlurRegression& shipped();

  /// `scale`: the factor of the downscaling that the blur belongs to; wider blurs come with larger ones.
  BlurAnswer operator()(const BlurEvidence& evidence, double scale) const;

 private:
  // exp(-width / features |z - centre|^2) for each centre, then z itself, times coefficients, plus offsets.
  struct Machine {
    torch::Tensor centers;       // [centres, inputs] float64
    torch::Tensor coefficients;  // [centres + inputs, outputs]
    torch::Tensor offsets;       // [outputs]
    double width = 0.0;
    Machine(const WeightsFile& weights, const std::string& name, const std::string& centers_of, int64_t inputs,
            int64_t outputs);
    torch::Tensor nearness(const torch::Tensor& z) const;
    torch::Tensor operator()(const torch::Tensor& z) const;
  };
  torch::Tensor mean_;
  torch::Tensor deviation_;
  Machine size_;              // logarithm of the size; 9 outputs: each Spoiled at x2, x3, x4
  Machine error_;             // logarithm of the error + kLeastError; likewise
  Machine kind_;              // BlurAnswer::gaussian
  torch::Tensor stretch_;     // [9, 3] weights of BlurEvidence::stretch
  torch::Tensor interval_;    // [9, 2] log factor of a width against error_'s value
  torch::Tensor most_error_;  // [9]
};

}  // namespace zsr::blur
