#pragma once

#include "core/random.h"
#include "core/run_context.h"
#include "nn/model.h"
#include "nn/optim/flat_adam.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace zsr::training {

/// How a generator of blur kernels is trained.
struct KernelGanOptions {
  static constexpr int64_t kSide = 25;  ///< Pixels of a kernel, as published.
  static constexpr int64_t kCode = 100;
  /// Channels as published and weights clipped at 0.01 (Arjovsky et al. 2017) under RMSprop (which is Adam without
  /// momentum); else an eighth of the channels and a gradient penalty of 10 (Gulrajani et al. 2017) under Adam, which
  /// learns in minutes.
  bool published = false;
  int64_t steps = 2000;   ///< > 0. Of the generator; the critic takes five each.
  int64_t batch = 64;     ///< > 1.
  void validate() const;  ///< Throws OptionError.
};

/// The kernel generator of KMSR (Zhou and Suesstrunk, ICCV 2019): from estimated kernels it learns to draw others like
/// them, a Wasserstein GAN over images of 25x25 pixels.
class KernelGan {
 public:
  KernelGan(const KernelGanOptions& options, uint64_t seed);

  /// `pool` [N, 25, 25], each of sum 1. Throws OptionError for fewer than 10 kernels, and when the losses are no
  /// numbers any more.
  Summary train(const torch::Tensor& pool, const RunContext& context);
  /// [count, 25, 25], values >= 0, sum 1; moved so that their centre of mass is the middle to half a pixel.
  torch::Tensor draw(int64_t count, uint64_t seed) const;
  /// Of the generator.
  WeightsFile weights() const;
  int64_t generator_count() const { return generator_.parameter_count(); }
  int64_t critic_count() const { return critic_values_.numel(); }

 private:
  struct Layer {
    int64_t in, out, side;
    int64_t offset;  // of weight, bias and, where it is normalised, gain and shift
  };
  torch::Tensor kernels_of(const torch::Tensor& code, const torch::Tensor& values, bool training) const;
  torch::Tensor judge(const torch::Tensor& kernels) const;
  torch::Tensor codes(int64_t count, uint64_t seed) const;
  double step_critic(const torch::Tensor& real, uint64_t seed);
  double step_generator(uint64_t seed);

  KernelGanOptions options_;
  uint64_t seed_;
  double unit_ = 1.0;  // what the critic's colours are times
  nn::Model generator_;
  torch::Tensor values_;  // of the generator; flat leaf
  torch::Tensor mean_;    // of them over steps, which draws: a GAN wanders around its aim
  std::vector<Layer> critic_;
  torch::Tensor critic_values_;  // flat leaf
  FlatAdam adam_;
  FlatAdam critic_adam_;
};

/// Kernels [height, width] of any size in the middle of 25x25 pixels, sum 1: larger ones lose their edge. [N, 25, 25]
/// float32.
torch::Tensor kernel_pool(const std::vector<torch::Tensor>& kernels);

}  // namespace zsr::training
