#include "kernelgan/kernelgan.h"

#include "core/aligned.h"
#include "core/error.h"
#include "core/normal_field.h"
#include "image/resize.h"
#include "kernelgan/constraints.h"
#include "kernelgan/crops.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/generator.h"
#include "kernelgan/share.h"
#include "kernelgan/side_thread.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <span>

namespace zsr::kernelgan {
namespace {

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

// Adds noise of one 8-bit step.
void add_small_noise(std::span<float> patch, Random& random) {
  AlignedVector<float> noise(patch.size());
  fill_normal(random.bits(), noise.data(), static_cast<int64_t>(noise.size()));
  for (size_t i = 0; i < patch.size(); ++i) patch[i] += noise[i] * (1.0F / 255.0F);
}

// The square of `side` pixels of `photo` [1, C, H, W] from (top, left) on, [C, side, side].
void cut(const torch::Tensor& photo, const std::array<int64_t, 2>& corner, int64_t side, std::span<float> out) {
  const auto [top, left] = corner;
  const int64_t width = photo.size(3);
  float* to = out.data();
  for (int64_t c = 0; c < photo.size(1); ++c) {
    const float* const plane = photo.data_ptr<float>() + c * photo.size(2) * width;
    for (int64_t y = top; y < top + side; ++y, to += side) std::copy_n(plane + y * width + left, side, to);
  }
}

// What a step looks at; drawn beside the step before.
struct Inputs {
  GeneratorPatch<float> patch;
  AlignedVector<float> reference;  // the patch made smaller by imresize
  AlignedVector<float> real;       // with noise
};

// Cuts the small weights around the kernel and normalises (the authors' zeroize_negligible_val).
torch::Tensor without_small_weights(const torch::Tensor& kernel, int64_t kept) {
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
  Generator<float> generator(weights_random);
  Discriminator discriminator(photo.size(1), weights_random);

  // The generator meets patches whose *shrunken* version is rich, the discriminator rich ones.
  const torch::Tensor even = photo.slice(2, 0, photo.size(2) / 2 * 2).slice(3, 0, photo.size(3) / 2 * 2).contiguous();
  const torch::Tensor map = gradient_map(even);
  const torch::Tensor small_map =
      gradient_map(imresize(even, {0.5, 0.5})).repeat_interleave(2, 0).repeat_interleave(2, 1);
  const CropSampler for_generator(small_map, kGeneratorPatch);
  const CropSampler for_discriminator(map, Discriminator::kPatch);
  const torch::Tensor scaled = even.mul(2.0).sub(1.0).to(torch::kFloat32).contiguous();

  const auto made_count = static_cast<size_t>(photo.size(1) * kOutputCount);
  static_assert(kGeneratorOutput == Discriminator::kPatch);
  const auto draw_inputs = [&](Inputs& inputs) {
    const auto [top, left] = for_generator.draw(random);
    inputs.patch.take(scaled, top, left);
    inputs.reference.resize(made_count);
    inputs.patch.shrink(bicubic_reference_kernel(), inputs.reference);
    inputs.real.resize(made_count);
    cut(scaled, for_discriminator.draw(random), Discriminator::kPatch, inputs.real);
    add_small_noise(inputs.real, random);
  };
  std::array<Inputs, 2> inputs;
  draw_inputs(inputs[0]);

  // Slopes of the mean distances to one and to zero; all of the map lies in (0, 1).
  std::array<float, Discriminator::kMapCount> towards_one{};
  std::array<float, Discriminator::kMapCount> half_towards_one{};
  std::array<float, Discriminator::kMapCount> half_towards_zero{};
  towards_one.fill(-1.0F / Discriminator::kMapCount);
  half_towards_one.fill(-0.5F / Discriminator::kMapCount);
  half_towards_zero.fill(0.5F / Discriminator::kMapCount);

  // The memory of all steps.
  Discriminator::Pass judged = discriminator.make_pass();
  Discriminator::Pass on_real = discriminator.make_pass();
  Discriminator::Pass on_made = discriminator.make_pass();
  const torch::Tensor real_gradient = torch::empty({discriminator.parameters().count()});
  const torch::Tensor made_gradient = torch::empty_like(real_gradient);
  const torch::Tensor generator_gradient = torch::empty({Generator<float>::kParameters});
  const auto flat = [](const torch::Tensor& tensor) {
    return std::span<float>(tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel()));
  };
  AlignedVector<float> made(made_count);
  AlignedVector<float> slope(made_count);
  Generator<float>::Composition composed = generator.compose();

  Schedule schedule;
  AdversarialResult result{BlurKernel(torch::ones({1, 1})), {}};
  Termination end = Termination::kFinished;
  SideThread beside;
  Meeting meeting;
  int64_t step = 0;
  for (; step < options.iterations; ++step) {
    const Inputs& now = inputs[static_cast<size_t>(step % 2)];
    // The three passes use the discriminator as it is now; their power iterations come in the passes' order, and what
    // the real patch says is found beside the generator's step.
    discriminator.normalize(judged.weights);
    beside.start([&] {
      discriminator.normalize(on_real.weights);
      discriminator.normalize(on_made.weights);
      discriminator.forward(now.real, on_real);
      discriminator.parameter_gradient(on_real, half_towards_one, flat(real_gradient));
      draw_inputs(inputs[static_cast<size_t>((step + 1) % 2)]);
    });

    now.patch.shrink(composed.kernel, made);
    discriminator.forward(made, judged);
    discriminator.input_gradient(judged, towards_one, slope);
    const ConstraintLoss constraints = constraint_loss(composed.kernel, made, now.reference, schedule.weights(), slope);
    std::array<float, kKernelCount> at_kernel = now.patch.kernel_gradient(slope);
    for (size_t i = 0; i < at_kernel.size(); ++i) at_kernel[i] += constraints.kernel_gradient[i];
    generator.gradient(composed, at_kernel, flat(generator_gradient));
    generator.parameters().descend(generator_gradient, schedule.learning_rate());

    generator.compose(composed);
    now.patch.shrink(composed.kernel, made);
    add_small_noise(made, noise_random);
    beside.wait();
    const auto on_made_by = [&](const Share& share) {
      discriminator.forward(made, on_made, share);
      discriminator.parameter_gradient(on_made, half_towards_zero, flat(made_gradient), share);
    };
    beside.start([&] { on_made_by({1, 2, &meeting}); });
    on_made_by({0, 2, &meeting});
    beside.wait();
    made_gradient.add_(real_gradient);
    discriminator.parameters().descend(made_gradient, schedule.learning_rate());
    schedule.update(step, constraints.bicubic);
    if (context.progress) {
      const double belief = std::accumulate(judged.map.begin(), judged.map.end(), 0.0) / Discriminator::kMapCount;
      const double loss = 1.0 - belief + constraints.total;
      const ProgressAction action =
          context.progress({"kernel", step + 1, options.iterations, loss, seconds_since(start)});
      if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
      if (action == ProgressAction::kStop) end = Termination::kStopped;
    }
    if (context.time_budget_s && seconds_since(start) > *context.time_budget_s) end = Termination::kTimeBudget;
    if (end != Termination::kFinished) break;
  }
  const torch::Tensor kernel =
      torch::from_blob(composed.kernel.data(), {kGeneratorKernel, kGeneratorKernel}).to(torch::kFloat64);
  result.summary.steps = std::min(step + 1, options.iterations);
  result.summary.train_s = seconds_since(start);
  result.summary.termination = end;
  const torch::Tensor clean = without_small_weights(kernel, options.kept_weights);
  if (!torch::isfinite(kernel).all().item<bool>() || !(clean.sum().item<double>() > 0.0)) {
    result.summary.termination = Termination::kDiverged;
    result.summary.message = "the generator's kernel collapsed";
    return result;
  }
  result.kernel = BlurKernel(clean, "estimated kernel").moved_to({0.5, 0.5});
  return result;
}

}  // namespace zsr::kernelgan
