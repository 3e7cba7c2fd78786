#include "kernelgan/fkp_adversary.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/flow_prior.h"
#include "degradations/spherical_latent.h"
#include "image/resize.h"
#include "kernelgan/crops.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kCropSide = 64;
constexpr int64_t kScale = 2;
constexpr double kPenalty = 0.1;
constexpr double kBeta1 = 0.5;
constexpr int64_t kStepsEach = 3;

// Five convolutions 3x3 without padding, 32 channels; all but the last normalised and leaky (29,185 parameters).
struct Critic : torch::nn::Module {
  Critic() {
    constexpr int64_t kCriticWidth = 32;
    for (int i = 0; i < 4; ++i) {
      body->push_back(torch::nn::Conv2d(i == 0 ? 3 : kCriticWidth, kCriticWidth, 3));
      body->push_back(torch::nn::BatchNorm2d(kCriticWidth));
      body->push_back(torch::nn::LeakyReLU(torch::nn::LeakyReLUOptions().negative_slope(0.2)));
    }
    body->push_back(torch::nn::Conv2d(kCriticWidth, 1, 3));
    register_module("body", body);
  }

  // Convolutions N(0, 0.02), gains N(1, 0.02), all else 0.
  void draw(Random& random) {
    const torch::NoGradGuard no_grad;
    for (auto& entry : named_parameters()) {
      torch::Tensor& values = entry.value();
      const bool weight = entry.key().ends_with("weight");
      const double mean = weight && values.dim() == 1 ? 1.0 : 0.0;
      float* const to = values.data_ptr<float>();
      for (int64_t i = 0; i < values.numel(); ++i) {
        to[i] = weight ? static_cast<float>(mean + 0.02 * random.normal()) : 0.0F;
      }
    }
  }

  torch::Tensor forward(const torch::Tensor& patches) { return body->forward(patches * 2.0 - 1.0); }

  torch::nn::Sequential body;
};

torch::Tensor patches(const torch::Tensor& photo, const CropSampler& sampler, int64_t side, int64_t count,
                      Random& random) {
  std::vector<torch::Tensor> cut;
  for (int64_t i = 0; i < count; ++i) {
    const auto [top, left] = sampler.draw(random);
    cut.push_back(photo[0].slice(1, top, top + side).slice(2, left, left + side));
  }
  return torch::stack(cut);
}

// Blurred by `kernel` [1, 1, k, k] without a border, every second pixel.
torch::Tensor made_smaller(const torch::Tensor& patches, const torch::Tensor& kernel) {
  const torch::Tensor alone = patches.flatten(0, 1).unsqueeze(1);
  return torch::conv2d(alone, kernel, {}, kScale).squeeze(1).unflatten(0, {patches.size(0), patches.size(1)});
}

torch::Tensor gradient_penalty(Critic& critic, const torch::Tensor& real, const torch::Tensor& fake, Random& random) {
  const double share = random.uniform();
  const torch::Tensor between = (share * real + (1.0 - share) * fake).detach().set_requires_grad(true);
  const torch::Tensor judged = critic.forward(between);
  const torch::Tensor gradient = torch::autograd::grad({judged}, {between}, {torch::ones_like(judged)}, true, true)[0];
  return kPenalty * (gradient.norm(2, 1) - 1.0).square().mean();
}

// Some steps on one pair of batches; the last loss.
double train_critic(Critic& critic, torch::optim::Adam& adam, const torch::Tensor& real, const torch::Tensor& fake,
                    Random& random) {
  double judged = 0.0;
  for (int64_t step = 0; step < kStepsEach; ++step) {
    adam.zero_grad();
    const torch::Tensor loss =
        critic.forward(fake).mean() - critic.forward(real).mean() + gradient_penalty(critic, real, fake, random);
    loss.backward();
    adam.step();
    judged = loss.item<double>();
  }
  return judged;
}

}  // namespace

void FkpAdversaryOptions::validate() const {
  if (prior == nullptr) throw OptionError("KernelGAN-FKP needs a kernel prior");
  if (prior->scale() != kScale) {
    throw OptionError(fmt::format("KernelGAN-FKP needs a kernel prior for x2, this one is for x{}", prior->scale()));
  }
  if (iterations < 1) throw OptionError(fmt::format("iterations = {}, must be > 0", iterations));
  if (batch < 2) throw OptionError(fmt::format("batch = {}, must be > 1", batch));
  if (!(learning_rate > 0.0)) throw OptionError(fmt::format("learning_rate = {:g}, must be > 0", learning_rate));
}

AdversarialResult run_fkp_adversarial(const torch::Tensor& photo, const FkpAdversaryOptions& options,
                                      const RunContext& context) {
  options.validate();
  if (std::min(photo.size(2), photo.size(3)) < kCropSide + 4) {
    throw InputError(fmt::format("KernelGAN-FKP needs {} pixels a side, the photo is {}x{}", kCropSide + 4,
                                 photo.size(3), photo.size(2)));
  }
  const FlowPrior& prior = *options.prior;
  const int64_t side = (kCropSide - prior.side()) / kScale + 1;
  Random random(derive_seed(context.seed, "kernelgan-fkp"));
  const torch::Tensor even =
      photo.slice(2, 0, photo.size(2) / 2 * 2).slice(3, 0, photo.size(3) / 2 * 2).to(torch::kFloat32).contiguous();
  const torch::Tensor small_map =
      gradient_map(imresize(even, {0.5, 0.5})).repeat_interleave(2, 0).repeat_interleave(2, 1);
  const CropSampler for_generator(small_map, kCropSide);
  const CropSampler for_critic(gradient_map(even), side);
  const torch::Tensor colored = even.expand({1, 3, -1, -1}).contiguous();

  Critic critic;
  critic.draw(random);
  torch::optim::Adam adam(critic.parameters(), torch::optim::AdamOptions(options.learning_rate).betas({kBeta1, 0.999}));
  SphericalLatent latent(prior.side(), options.learning_rate, kBeta1, context.seed);
  latent.step(false);
  AdversarialResult result{BlurKernel(torch::ones({1, 1})), {}};
  torch::Tensor kernel = prior.decode(latent.values()).detach();
  Session session(context);
  for (int64_t iteration = 1; iteration <= options.iterations; ++iteration) {
    const torch::Tensor large = patches(colored, for_generator, kCropSide, options.batch, random);
    const torch::Tensor real = patches(colored, for_critic, side, options.batch, random);
    const torch::Tensor made = prior.decode(latent.values());
    const torch::Tensor fake = made_smaller(large, made);
    kernel = made.detach();
    const double judged = train_critic(critic, adam, real, fake.detach(), random);
    if (!std::isfinite(judged)) {
      result.summary.termination = Termination::kDiverged;
      result.summary.message = "the critic diverged";
      break;
    }
    // The release takes three steps with one and the same gradient: neither the critic nor the patches change between.
    const torch::Tensor gradient = torch::autograd::grad({-critic.forward(fake).mean()}, {latent.values()})[0];
    for (int64_t step = 0; step < kStepsEach; ++step) {
      torch::Tensor values = latent.values();
      values.mutable_grad() = gradient;
      latent.step(true);
    }
    result.summary.steps = iteration;
    result.summary.final_loss = judged;
    session.report("kernelgan-fkp", iteration, options.iterations, judged);
    if (session.stopped()) {
      result.summary.termination = Termination::kStopped;
      break;
    }
  }
  result.summary.train_s = session.elapsed_s();
  // Turned half around, the prior's kernels are aligned.
  result.kernel = BlurKernel(kernel[0][0].flip({0, 1}), "estimated kernel").moved_to(centered_phase({2.0, 2.0}));
  return result;
}

}  // namespace zsr::kernelgan
