#include "kernelgan/kernelgan.h"

#include "core/error.h"
#include "core/image/resize.h"
#include "core/normal_field.h"
#include "kernelgan/constraints.h"
#include "kernelgan/crops.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/generator.h"
#include "kernelgan/side_thread.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kGeneratorPatch = 64;

struct OneThread {
  OneThread() : threads(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  int threads;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

torch::Tensor small_noise(const torch::Tensor& like, Random& random) {
  torch::Tensor noise = torch::empty(like.sizes(), torch::kFloat32);
  fill_normal(random.bits(), noise.data_ptr<float>(), noise.numel());
  return noise.div_(255.0);
}

// Cuts the haze of small weights and normalises (the authors' zeroize_negligible_val).
torch::Tensor without_haze(const torch::Tensor& kernel, int64_t kept) {
  const torch::Tensor sorted = std::get<0>(kernel.reshape({-1}).sort(0, true));
  const double cut = 0.75 * sorted[std::min(kept, sorted.size(0) - 1)].item<double>();
  return (kernel - cut).clamp_min(0.0);
}

}  // namespace

void AdversarialOptions::validate() const {
  if (iterations < 1) throw OptionError(fmt::format("iterations = {}, must be > 0", iterations));
  if (kept_weights < 1) throw OptionError(fmt::format("kept_weights = {}, must be > 0", kept_weights));
}

AdversarialResult run_adversarial(const torch::Tensor& photo, const AdversarialOptions& options,
                                  const RunContext& context) {
  options.validate();
  if (photo.dim() != 4 || std::min(photo.size(2), photo.size(3)) < kGeneratorPatch + 4) {
    throw InputError(fmt::format("KernelGAN needs a photo of at least {} pixels a side", kGeneratorPatch + 4));
  }
  const auto start = std::chrono::steady_clock::now();
  // Products this small lose more by sharing than they gain.
  const OneThread one_thread;
  Random weights_random(derive_seed(context.seed, "kernelgan-weights"));
  Random random(derive_seed(context.seed, "kernelgan-crops"));
  Random noise_random(derive_seed(context.seed, "kernelgan-noise"));
  Generator generator(weights_random);
  Discriminator discriminator(photo.size(1), weights_random);

  // The generator meets patches whose *shrunken* version is rich, the discriminator rich ones.
  const torch::Tensor even = photo.slice(2, 0, photo.size(2) / 2 * 2).slice(3, 0, photo.size(3) / 2 * 2).contiguous();
  const torch::Tensor map = gradient_map(even);
  const torch::Tensor small_map =
      gradient_map(imresize(even, {0.5, 0.5})).repeat_interleave(2, 0).repeat_interleave(2, 1);
  const CropSampler for_generator(small_map, kGeneratorPatch);
  const CropSampler for_discriminator(map, Discriminator::kPatch);
  const torch::Tensor scaled = even.mul(2.0).sub(1.0);
  const auto crop = [&](const CropSampler& sampler, int64_t side) {
    const auto [y, x] = sampler.draw(random);
    return scaled.slice(2, y, y + side).slice(3, x, x + side).contiguous();
  };

  // What a step looks at; drawn beside the step before.
  struct Inputs {
    GeneratorPatch patch;
    torch::Tensor reference;  // the patch made smaller by imresize
    torch::Tensor real;       // with noise
  };
  const auto draw_inputs = [&]() -> Inputs {
    const torch::NoGradGuard no_grad;
    GeneratorPatch patch(crop(for_generator, kGeneratorPatch));
    const torch::Tensor reference = patch.shrunken(bicubic_reference_kernel());
    const torch::Tensor real = crop(for_discriminator, Discriminator::kPatch);
    return {std::move(patch), reference, real + small_noise(real, random)};
  };
  Inputs next = draw_inputs();

  // Slope of the mean distance to one; all of the map lies in (0, 1), so that to zero has the opposite one.
  constexpr int64_t kMapPixels = Discriminator::kMap * Discriminator::kMap;
  const torch::Tensor towards_one = torch::full({kMapPixels}, -1.0 / kMapPixels);
  Schedule schedule;
  AdversarialResult result{BlurKernel(torch::ones({1, 1})), {}};
  Termination end = Termination::kFinished;
  SideThread beside;
  int64_t step = 0;
  for (; step < options.iterations; ++step) {
    const Inputs now = std::move(next);
    // The three passes use the discriminator as it is now; their power iterations come in the passes' order, and what
    // the real patch says is found beside the generator's step.
    Discriminator::Normalized for_judgement = discriminator.normalize();
    Discriminator::Normalized for_made;
    torch::Tensor real_gradient;
    beside.start([&] {
      Discriminator::Normalized for_real = discriminator.normalize();
      for_made = discriminator.normalize();
      const Discriminator::Pass on_real = discriminator.forward(now.real, std::move(for_real));
      real_gradient = discriminator.parameter_gradient(on_real, 0.5 * towards_one);
      next = draw_inputs();
    });

    const Generator::Composition composed = generator.compose();
    const torch::Tensor made = now.patch.shrunken(composed.kernel);
    const ConstraintLoss constraints = constraint_loss(composed.kernel, made, now.reference, schedule.weights());
    const Discriminator::Pass judged = discriminator.forward(made, std::move(for_judgement));
    const torch::Tensor at_output = discriminator.input_gradient(judged, towards_one) + constraints.output_gradient;
    generator.parameters().descend(
        generator.gradient(composed, now.patch.kernel_gradient(at_output) + constraints.kernel_gradient),
        schedule.learning_rate());

    const torch::Tensor remade = now.patch.shrunken(generator.compose().kernel);
    beside.wait();
    const Discriminator::Pass on_made =
        discriminator.forward(remade + small_noise(remade, noise_random), std::move(for_made));
    const torch::Tensor made_gradient = discriminator.parameter_gradient(on_made, 0.5 * towards_one, &beside);
    discriminator.parameters().descend(real_gradient - made_gradient, schedule.learning_rate());
    schedule.update(step, constraints.bicubic);
    if (context.progress) {
      const double loss = (1.0 - judged.map.mean().item<double>()) + constraints.total;
      const ProgressAction action =
          context.progress({"kernel", step + 1, options.iterations, loss, seconds_since(start)});
      if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
      if (action == ProgressAction::kStop) end = Termination::kStopped;
    }
    if (context.time_budget_s && seconds_since(start) > *context.time_budget_s) end = Termination::kTimeBudget;
    if (end != Termination::kFinished) break;
  }
  const torch::Tensor kernel = generator.compose().kernel.to(torch::kFloat64);
  result.summary.steps = std::min(step + 1, options.iterations);
  result.summary.train_s = seconds_since(start);
  result.summary.termination = end;
  const torch::Tensor clean = without_haze(kernel, options.kept_weights);
  if (!torch::isfinite(kernel).all().item<bool>() || !(clean.sum().item<double>() > 0.0)) {
    result.summary.termination = Termination::kDiverged;
    result.summary.message = "the generator's kernel collapsed";
    return result;
  }
  result.kernel = BlurKernel(clean, "estimated kernel").moved_to({0.5, 0.5});
  return result;
}

}  // namespace zsr::kernelgan
