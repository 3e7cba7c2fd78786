#pragma once

#include "kernelgan/kernelgan.h"

#include <memory>

namespace zsr {
class FlowPrior;
}

namespace zsr::kernelgan {

/// Settings of KernelGAN-FKP (Liang et al., CVPR 2021; KernelGANFKP/ of the release): the generator's kernel comes out
/// of a flow prior, the discriminator is a Wasserstein critic with a gradient penalty.
struct FkpAdversaryOptions {
  std::shared_ptr<const FlowPrior> prior;  ///< For x2. Required (OptionError without).
  int64_t iterations = 1000;               ///< > 0. Three steps of the critic and three of the latent numbers each.
  int64_t batch = 64;                      ///< > 1. Patches.
  double learning_rate = 5e-4;             ///< > 0. Adam, both.
  void validate() const;                   ///< Throws OptionError.
};

/// `photo` and errors as of run_adversarial; the kernel is of the prior's size and aligned for factor 2.
AdversarialResult run_fkp_adversarial(const torch::Tensor& photo, const FkpAdversaryOptions& options,
                                      const RunContext& context = {});

}  // namespace zsr::kernelgan
