#pragma once

#include "core/run_context.h"
#include "degradations/kernel.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::kernelgan {

/// Hyper-parameters of the adversarial estimator; defaults are the authors' released ones (KernelGAN/configs.py).
struct AdversarialOptions {
  int64_t iterations = 3000;  ///< > 0. Steps of generator and discriminator.
  int64_t kept_weights = 40;  ///< Weights below 3/4 of the next largest one are cut to zero; > 0.
  void validate() const;      ///< Throws OptionError.
};

struct AdversarialResult {
  BlurKernel kernel;  ///< 13 x 13 before alignment; aligned for factor 2 (phase 1/2).
  Summary summary;
};

/// KernelGAN (Bell-Kligler, Shocher and Irani 2019): learns the kernel under which the photo's own patches, made
/// smaller, look like patches of the photo. `photo` [1, 1 or 3, h, w] float32 in [0, 1], both sides at least 64 + 4.
/// Throws InputError for smaller ones. The same seed gives the same kernel on the same kind of processor.
AdversarialResult run_adversarial(const torch::Tensor& photo, const AdversarialOptions& options,
                                  const RunContext& context = {});

}  // namespace zsr::kernelgan
