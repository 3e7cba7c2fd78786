#include "dip/dip_fkp.h"

#include "core/error.h"
#include "nn/optim/flat_adam.h"
#include "degradations/spherical_latent.h"
#include "dip/skip_network.h"
#include "dip/ssim_loss.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace zsr::dip {
namespace {

constexpr double kBeta1 = 0.9;

// [1, C, H, W] by a kernel [1, 1, k, k] that may ask for gradients, every `scale`-th pixel.
torch::Tensor blur_and_sample(const torch::Tensor& image, const torch::Tensor& kernel, int64_t scale, bool circular) {
  const int64_t border = kernel.size(2) / 2;
  const torch::Tensor padded = torch::pad(image, {border, border, border, border}, circular ? "circular" : "reflect");
  // One channel after the other, as images of a batch: the kernel's gradient is then one of a plain convolution.
  const torch::Tensor blurred = torch::conv2d(padded.transpose(0, 1), kernel, {}, scale);
  return blurred.transpose(0, 1);
}

}  // namespace

void FkpOptions::validate() const {
  const auto require = [](bool good, const char* name, double value, const char* expected) {
    if (!good) throw OptionError(fmt::format("{} = {:g}, must be {}", name, value, expected));
  };
  require(scale == 2 || scale == 3 || scale == 4 || scale == 8, "scale", static_cast<double>(scale), "2, 3, 4 or 8");
  require(steps > 0, "steps", static_cast<double>(steps), "> 0");
  require(learning_rate > 0.0, "learning_rate", learning_rate, "> 0");
  require(kernel_rate > 0.0, "kernel_rate", kernel_rate, "> 0");
  require(frozen_steps >= 0, "frozen_steps", static_cast<double>(frozen_steps), ">= 0");
  require(similarity_steps >= 0, "similarity_steps", static_cast<double>(similarity_steps), ">= 0");
}

FkpResult run_fkp(const torch::Tensor& photo, const FlowPrior& prior, const FkpOptions& options,
                  const RunContext& context) {
  options.validate();
  if (photo.dim() != 4 || photo.size(0) != 1 || (photo.size(1) != 1 && photo.size(1) != 3) || photo.numel() == 0) {
    throw InputError("DIP-FKP takes one float32 image of shape [1, 1 or 3, H, W]");
  }
  if (prior.scale() != options.scale) {
    throw OptionError(fmt::format("this kernel prior is for x{} ({} x {} pixels), not for x{}", prior.scale(),
                                  prior.side(), prior.side(), options.scale));
  }
  SkipSpec spec;
  spec.inputs = photo.size(1);
  spec.outputs = photo.size(1);
  spec.skip = {16, 16, 16, 16, 16};
  spec.non_local = true;
  Random weights(derive_seed(context.seed, "dip-weights"));
  const SkipNetwork network(spec, weights, context.device);
  const int64_t height = photo.size(2) * options.scale;
  const int64_t width = photo.size(3) * options.scale;
  const torch::Tensor noise =
      draw_input(spec, height, width, derive_seed(context.seed, "fkp-input")).to(context.device);
  const torch::Tensor target = photo.to(context.device);
  SphericalLatent latent(prior.side(), options.kernel_rate, kBeta1, context.seed);
  FlatAdam adam(network.parameters().numel(), context.device, kBeta1, 0.999);

  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  const auto predict = [&](const torch::Tensor& image) {
    torch::Tensor kernel = prior.decode(latent.values());
    if (!options.published_phase) kernel = kernel.flip({2, 3});
    return blur_and_sample(image, kernel.to(image.device()), options.scale, options.published_phase);
  };
  Summary summary;
  torch::Tensor image;
  torch::Tensor kept_parameters = network.parameters().detach().clone();
  torch::Tensor kept_latent = latent.values().detach().clone();
  double rate = options.learning_rate;
  for (int64_t step = 1; step <= options.steps; ++step) {
    network.parameters().mutable_grad().reset();
    const torch::Tensor output = network.forward(noise).slice(2, 0, height).slice(3, 0, width);
    const torch::Tensor made = predict(output);
    const torch::Tensor loss =
        step <= options.similarity_steps ? 1.0 - ssim_loss_similarity(made, target) : (made - target).square().mean();
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      const torch::NoGradGuard no_grad;
      torch::Tensor parameters = network.parameters();
      torch::Tensor numbers = latent.values();
      parameters.copy_(kept_parameters);
      numbers.copy_(kept_latent);
      adam.reset();
      rate *= 0.5;
      constexpr double kLeastShare = 1e-2;
      if (rate < kLeastShare * options.learning_rate) {
        summary.termination = Termination::kDiverged;
        summary.message = "training kept diverging, also with smaller steps; this is the best image before";
        break;
      }
      continue;
    }
    loss.backward();
    image = output.detach().to(torch::kCPU);
    kept_parameters.copy_(network.parameters().detach());
    kept_latent.copy_(latent.values().detach());
    adam.step(network.parameters().detach(), network.parameters().grad(), rate);
    latent.step(step > options.frozen_steps);
    summary.steps = step;
    summary.final_loss = value;
    if (context.progress) {
      const ProgressAction action = context.progress({"fit image and kernel", step, options.steps, value, elapsed()});
      if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
      if (action == ProgressAction::kStop) {
        summary.termination = Termination::kStopped;
        break;
      }
    }
    if (context.time_budget_s && elapsed() > *context.time_budget_s) {
      summary.termination = Termination::kTimeBudget;
      break;
    }
  }
  summary.train_s = elapsed();
  const torch::NoGradGuard no_grad;
  const torch::Tensor kernel = prior.decode(kept_latent).to(torch::kCPU)[0][0];
  if (!image.defined()) throw Error("DIP-FKP diverged in its first step; nothing was made");
  return {image.clamp(0.0, 1.0), BlurKernel(options.published_phase ? kernel : kernel.flip({0, 1}), "estimated kernel"),
          summary};
}

}  // namespace zsr::dip
