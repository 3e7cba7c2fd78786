#include "degradations/spherical_latent.h"

#include "core/random.h"

#include <torch/types.h>

namespace zsr {

SphericalLatent::SphericalLatent(int64_t side, double rate, double beta1, uint64_t seed)
    : rate_(rate), radius_(static_cast<double>(side - 1)), adam_(side * side, torch::kCPU, beta1, 0.999) {
  Random random(derive_seed(seed, "fkp-latent"));
  torch::Tensor values = torch::empty({side * side});
  float* const to = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) to[i] = static_cast<float>(random.normal());
  values_ = values.set_requires_grad(true);
}

void SphericalLatent::step(bool move) {
  const torch::NoGradGuard no_grad;
  if (move && values_.grad().defined()) adam_.step(values_.detach(), values_.grad(), rate_);
  values_.mul_(radius_ / (values_.square().sum() + 1e-9).sqrt());
  values_.mutable_grad().reset();
}

}  // namespace zsr
