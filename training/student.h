#pragma once

#include "core/conv/conv_chain.h"
#include "core/optim/muon.h"
#include "core/random.h"
#include "core/weights/weights_file.h"
#include "networks/restorer.h"

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace zsr::training {

/// Which network is trained.
struct StudentSpec {
  /// "edsr", "srmd", "srmd-edsr" (SRMD's maps on EDSR's trunk), "zssr-start" or "restorer".
  std::string network;
  int64_t scale = 2;    ///< 2, 3 or 4; restorer: 1 to 4 together, and this says nothing.
  int64_t width = 64;   ///< Channels, a multiple of 16.
  int64_t depth = 8;    ///< srmd: convolutions; else: residual blocks. >= 2.
  /// Throws OptionError.
  void validate() const;
};

/// What a student is told of a photo beside its pixels, one number a map.
enum class Condition {
  kNone,
  kSrmd,           ///< SRMD's code of the blur before imresize (15) and noise / 255.
  kDamage,         ///< Noise level and JPEG quality, each where it is known: networks::damage_maps (4).
  kKernelAndNoise  ///< kernel_code (12) of the whole way down, noise / 25.5, where the LR grid stands (2).
};

/// A network under training: 3x3 convolutions as one chain, all parameters in one flat tensor, and the names under
/// which the published code keeps them.
class Student {
 public:
  /// With weights drawn from `random`.
  Student(const StudentSpec& spec, Random& random);

  const StudentSpec& spec() const { return spec_; }
  /// The factors it enlarges by, rising.
  std::vector<int64_t> scales() const;
  Condition condition() const;
  int64_t condition_maps() const;
  /// Whether it gives what is missing from cubic interpolation, not the whole image.
  bool gives_residual() const { return spec_.network == "zssr-start"; }

  /// [N, 3 + condition_maps(), h, w], RGB in [0, 1] first -> [N, 3, scale h, scale w]; differentiable in `parameters`
  /// (flat) and the input.
  /// `scale`: one of `scales()`; 0 = the only one.
  torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale = 0) const;

  /// Flat float32 values, a leaf that requires gradients.
  const torch::Tensor& parameters() const { return parameters_; }
  /// Weights of all but the first and the last convolution as matrices.
  std::vector<MatrixSlice> hidden_matrices() const;
  /// `values` (flat) as a weights file that zsr, and the published code, can use.
  WeightsFile weights(const torch::Tensor& values) const;
  /// Takes the values of `file`, which must hold this very network; where `other`, one that shares convolutions with
  /// it: of another scale, fewer layers (what is new begins without effect), or EDSR for srmd-edsr and a starting point
  /// of ZSSR, whose trunks are alike. Throws InputError, also when they share none.
  void load(const WeightsFile& file, bool other = false);

 private:
  explicit Student(const StudentSpec& spec);
  // Names of the convolutions and what the file's values are multiplied by to become the chain's.
  std::string name_of(size_t layer) const;
  double bias_factor() const;
  // For a convolution of another shape than the file's: what of it can be used; false when nothing can.
  bool take_similar(const WeightsFile& file, size_t layer);
  void init_restorer(Random& random);
  void load_restorer(const WeightsFile& file, bool other);

  StudentSpec spec_;
  std::optional<networks::Restorer> restorer_;
  ConvChain chain_;
  torch::Tensor parameters_;
};

}  // namespace zsr::training
