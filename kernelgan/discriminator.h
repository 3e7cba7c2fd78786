#pragma once

#include "core/aligned.h"
#include "kernelgan/flat_parameters.h"
#include "kernelgan/share.h"

#include <array>
#include <span>
#include <vector>

namespace zsr::kernelgan {

/// The patch discriminator of KernelGAN: a 7 x 7 convolution to 64 channels, five times 1 x 1 convolution, batch
/// normalisation and ReLU, a 1 x 1 convolution to a map in (0, 1); spectral normalisation on every convolution (one
/// power iteration a pass, Miyato et al. 2018). All convolutions run as matrix products on [channels, pixels]; the
/// gradient is written out by hand, pass by pass over memory, and tested against autograd's of the same network. Its
/// memory is had once and used by every step; two threads may share a pass.
class Discriminator {
 public:
  static constexpr int64_t kPatch = 26;  ///< Side of its input.
  static constexpr int64_t kMap = 20;    ///< Side of its map.
  static constexpr int64_t kMapCount = kMap * kMap;
  static constexpr size_t kConvolutions = 7;

  /// `channels` 1 or 3.
  Discriminator(int64_t channels, Random& random);

  /// A convolution divided by its singular value, with what the gradient needs.
  struct Normalized {
    AlignedVector<float> weight;  // [out, in]
    std::vector<float> left;      // singular vectors
    std::vector<float> right;
    float sigma = 1.0F;
  };
  using AllNormalized = std::array<Normalized, kConvolutions>;
  /// One power iteration on every convolution, as each pass of the published network in training mode begins with. The
  /// weights of several passes can so be had first and the passes then run side by side.
  void normalize(AllNormalized& made);

  /// What a pass leaves behind for its gradient; one may be used again and again.
  struct Pass {
    AllNormalized weights;
    AlignedVector<float> columns;                            // [C * 49, 400]: input of the first convolution
    std::array<AlignedVector<float>, kConvolutions> output;  // of each; batch-normalised before scale and shift
    std::array<AlignedVector<float>, kConvolutions> after;   // normalised convolutions: scaled, shifted, rectified
    std::array<std::vector<float>, kConvolutions> rstd;      // per channel
    std::array<float, kMapCount> map;                        ///< In (0, 1): near 1 where it believes in the patch.
    std::array<AlignedVector<float>, kConvolutions> slope;   // gradient at each output
    std::array<std::array<double, 2>, kConvolutions> along;  // of each thread: <weights' gradient, weights>
  };
  /// With memory for all that a pass needs.
  Pass make_pass() const;

  /// `patch` [C, 26, 26]; `pass.weights` as `normalize` made them. Normalises by the patch's own batch statistics, as
  /// the published network in training mode. Threads that share the pass all call this.
  void forward(std::span<const float> patch, Pass& pass, const Share& share = {}) const;

  /// Gradient at the patch, [C, 26, 26], from that at the map, [400].
  void input_gradient(Pass& pass, std::span<const float> map_gradient, std::span<float> out) const;
  /// Gradient of all parameters, flat in their order, from that at the map. Threads that share the pass all call this;
  /// after it they must meet before any of them reads `flat`.
  void parameter_gradient(Pass& pass, std::span<const float> map_gradient, std::span<float> flat,
                          const Share& share = {}) const;

  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }

 private:
  int64_t inputs_of(size_t convolution) const;
  // From the gradient at the output of a convolution to that at the output of the one below; `flat` as above or empty.
  void slope_below(size_t convolution, Pass& pass, std::span<float> flat, const Share& share) const;
  void weight_gradient(size_t convolution, Pass& pass, std::span<float> flat, const Share& share) const;
  void finish_weight_gradient(size_t convolution, const Pass& pass, std::span<float> flat, const Share& share) const;

  int64_t channels_;
  FlatParameters parameters_;
  std::array<std::vector<float>, kConvolutions> left_;  // singular vectors of each convolution
  std::array<std::vector<float>, kConvolutions> right_;
};

}  // namespace zsr::kernelgan
