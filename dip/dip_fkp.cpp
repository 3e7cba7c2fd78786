#include "dip/dip_fkp.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/flow_prior.h"
#include "degradations/spherical_latent.h"
#include "dip/skip_network.h"
#include "dip/ssim_loss.h"
#include "nn/optim/flat_adam.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <optional>

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

SkipSpec skip_spec(int64_t channels) {
  SkipSpec spec;
  spec.inputs = channels;
  spec.outputs = channels;
  spec.skip = {16, 16, 16, 16, 16};
  spec.non_local = true;
  return spec;
}

SkipNetwork random_network(const SkipSpec& spec, const RunContext& context) {
  Random weights(derive_seed(context.seed, "dip-weights"));
  return {spec, weights, context.device};
}

// The picture by the network and the kernel by the latent of its prior, fitted together.
class FkpFit {
 public:
  FkpFit(const torch::Tensor& photo, const FlowPrior& prior, const FkpOptions& options, const RunContext& context)
      : options_(options),
        prior_(prior),
        height_(photo.size(2) * options.scale),
        width_(photo.size(3) * options.scale),
        network_(random_network(skip_spec(photo.size(1)), context)),
        noise_(draw_input(skip_spec(photo.size(1)), height_, width_, derive_seed(context.seed, "fkp-input"))
                   .to(context.device)),
        target_(photo.to(context.device)),
        latent_(prior.side(), options.kernel_rate, kBeta1, context.seed),
        adam_(network_.parameters().numel(), context.device, kBeta1, 0.999),
        kept_parameters_(network_.parameters().detach().clone()),
        kept_latent_(latent_.values().detach().clone()),
        rate_(options.learning_rate) {}

  // The loss before the step, numbered from 1; nothing where it was not finite, and the step before was taken back.
  std::optional<double> step(int64_t step) {
    network_.parameters().mutable_grad().reset();
    const torch::Tensor output = network_.forward(noise_).slice(2, 0, height_).slice(3, 0, width_);
    const torch::Tensor made = degraded(output);
    const torch::Tensor loss = step <= options_.similarity_steps ? 1.0 - ssim_loss_similarity(made, target_)
                                                                 : (made - target_).square().mean();
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      take_back();
      return std::nullopt;
    }
    loss.backward();
    image_ = output.detach().to(torch::kCPU);
    kept_parameters_.copy_(network_.parameters().detach());
    kept_latent_.copy_(latent_.values().detach());
    adam_.step(network_.parameters().detach(), network_.parameters().grad(), rate_);
    latent_.step(step > options_.frozen_steps);
    return value;
  }

  bool exhausted() const {
    constexpr double kLeastShare = 1e-2;
    return rate_ < kLeastShare * options_.learning_rate;
  }

  // Undefined before the first good step.
  const torch::Tensor& image() const { return image_; }

  BlurKernel kernel() const {
    const torch::NoGradGuard no_grad;
    const torch::Tensor kernel = prior_.decode(kept_latent_).to(torch::kCPU)[0][0];
    return BlurKernel(options_.published_phase ? kernel : kernel.flip({0, 1}), "estimated kernel");
  }

 private:
  torch::Tensor degraded(const torch::Tensor& image) const {
    torch::Tensor kernel = prior_.decode(latent_.values());
    if (!options_.published_phase) kernel = kernel.flip({2, 3});
    return blur_and_sample(image, kernel.to(image.device()), options_.scale, options_.published_phase);
  }

  void take_back() {
    const torch::NoGradGuard no_grad;
    torch::Tensor parameters = network_.parameters();
    torch::Tensor numbers = latent_.values();
    parameters.copy_(kept_parameters_);
    numbers.copy_(kept_latent_);
    adam_.reset();
    rate_ *= 0.5;
  }

  const FkpOptions& options_;
  const FlowPrior& prior_;
  int64_t height_;
  int64_t width_;
  SkipNetwork network_;
  torch::Tensor noise_;
  torch::Tensor target_;
  SphericalLatent latent_;
  FlatAdam adam_;
  torch::Tensor image_;
  torch::Tensor kept_parameters_;
  torch::Tensor kept_latent_;
  double rate_;
};

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
  FkpFit fit(photo, prior, options, context);
  Session session(context);
  Summary summary;
  for (int64_t step = 1; step <= options.steps; ++step) {
    const std::optional<double> loss = fit.step(step);
    if (!loss) {
      if (!fit.exhausted()) continue;
      summary.termination = Termination::kDiverged;
      summary.message = "training kept diverging, also with smaller steps; this is the best image before";
      break;
    }
    summary.steps = step;
    summary.final_loss = *loss;
    session.report("fit image and kernel", step, options.steps, *loss);
    summary.termination = session.termination();
    if (summary.termination != Termination::kFinished) break;
  }
  summary.train_s = session.elapsed_s();
  if (!fit.image().defined()) throw Error("DIP-FKP diverged in its first step; nothing was made");
  return {fit.image().clamp(0.0, 1.0), fit.kernel(), summary};
}

}  // namespace zsr::dip
