#include "kernelgan/kernelgan.h"

#include "core/aligned.h"
#include "core/error.h"
#include "core/normal_field.h"
#include "core/session.h"
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

std::span<float> flat(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

// Draws what the steps look at. The generator meets patches whose *shrunken* version is rich, the discriminator rich
// ones.
class InputSource {
 public:
  InputSource(const torch::Tensor& photo, uint64_t seed)
      : random_(derive_seed(seed, "kernelgan-crops")),
        even_(photo.slice(2, 0, photo.size(2) / 2 * 2).slice(3, 0, photo.size(3) / 2 * 2).contiguous()),
        for_generator_(gradient_map(imresize(even_, {0.5, 0.5})).repeat_interleave(2, 0).repeat_interleave(2, 1),
                       kGeneratorPatch),
        for_discriminator_(gradient_map(even_), Discriminator::kPatch),
        scaled_(even_.mul(2.0).sub(1.0).to(torch::kFloat32).contiguous()) {}

  void draw(Inputs& inputs) {
    const auto count = static_cast<size_t>(scaled_.size(1) * kOutputCount);
    const auto [top, left] = for_generator_.draw(random_);
    inputs.patch.take(scaled_, top, left);
    inputs.reference.resize(count);
    inputs.patch.shrink(bicubic_reference_kernel(), inputs.reference);
    inputs.real.resize(count);
    cut(scaled_, for_discriminator_.draw(random_), Discriminator::kPatch, inputs.real);
    add_small_noise(inputs.real, random_);
  }

 private:
  Random random_;
  torch::Tensor even_;
  CropSampler for_generator_;
  CropSampler for_discriminator_;
  torch::Tensor scaled_;
};

// Generator and discriminator against each other, with the memory of all steps.
class Contest {
 public:
  Contest(const torch::Tensor& photo, uint64_t seed)
      : weights_random_(derive_seed(seed, "kernelgan-weights")),
        noise_random_(derive_seed(seed, "kernelgan-noise")),
        source_(photo, seed),
        generator_(weights_random_),
        discriminator_(photo.size(1), weights_random_),
        judged_(discriminator_.make_pass()),
        on_real_(discriminator_.make_pass()),
        on_made_(discriminator_.make_pass()),
        real_gradient_(torch::empty({discriminator_.parameters().count()})),
        made_gradient_(torch::empty_like(real_gradient_)),
        generator_gradient_(torch::empty({Generator<float>::kParameters})),
        made_(static_cast<size_t>(photo.size(1) * kOutputCount)),
        slope_(made_.size()),
        composed_(generator_.compose()) {
    static_assert(kGeneratorOutput == Discriminator::kPatch);
    towards_one_.fill(-1.0F / Discriminator::kMapCount);
    half_towards_one_.fill(-0.5F / Discriminator::kMapCount);
    half_towards_zero_.fill(0.5F / Discriminator::kMapCount);
    source_.draw(inputs_[0]);
  }

  void step(int64_t step) {
    // The three passes use the discriminator as it is now; their power iterations come in the passes' order, and what
    // the real patch says is found beside the generator's step.
    discriminator_.normalize(judged_.weights);
    beside_.start([this, step] {
      judge_real_patch(inputs_[static_cast<size_t>(step % 2)]);
      source_.draw(inputs_[static_cast<size_t>((step + 1) % 2)]);
    });
    const Inputs& now = inputs_[static_cast<size_t>(step % 2)];
    const double bicubic_loss = move_generator(now);
    generator_.compose(composed_);
    now.patch.shrink(composed_.kernel, made_);
    add_small_noise(made_, noise_random_);
    beside_.wait();
    move_discriminator();
    schedule_.update(step, bicubic_loss);
  }

  double loss() const {
    const double belief = std::accumulate(judged_.map.begin(), judged_.map.end(), 0.0) / Discriminator::kMapCount;
    return 1.0 - belief + constraints_total_;
  }

  torch::Tensor kernel() {
    return torch::from_blob(composed_.kernel.data(), {kGeneratorKernel, kGeneratorKernel}).to(torch::kFloat64);
  }

 private:
  void judge_real_patch(const Inputs& now) {
    discriminator_.normalize(on_real_.weights);
    discriminator_.normalize(on_made_.weights);
    discriminator_.forward(now.real, on_real_);
    discriminator_.parameter_gradient(on_real_, half_towards_one_, flat(real_gradient_));
  }

  // Returns the kernel's distance to that of bicubic downscaling, by their results.
  double move_generator(const Inputs& now) {
    now.patch.shrink(composed_.kernel, made_);
    discriminator_.forward(made_, judged_);
    discriminator_.input_gradient(judged_, towards_one_, slope_);
    const ConstraintLoss constraints =
        constraint_loss(composed_.kernel, made_, now.reference, schedule_.weights(), slope_);
    std::array<float, kKernelCount> at_kernel = now.patch.kernel_gradient(slope_);
    for (size_t i = 0; i < at_kernel.size(); ++i) at_kernel[i] += constraints.kernel_gradient[i];
    generator_.gradient(composed_, at_kernel, flat(generator_gradient_));
    generator_.parameters().descend(generator_gradient_, schedule_.learning_rate());
    constraints_total_ = constraints.total;
    return constraints.bicubic;
  }

  void move_discriminator() {
    const auto on_made_by = [this](const Share& share) {
      discriminator_.forward(made_, on_made_, share);
      discriminator_.parameter_gradient(on_made_, half_towards_zero_, flat(made_gradient_), share);
    };
    beside_.start([&] { on_made_by({1, 2, &meeting_}); });
    on_made_by({0, 2, &meeting_});
    beside_.wait();
    made_gradient_.add_(real_gradient_);
    discriminator_.parameters().descend(made_gradient_, schedule_.learning_rate());
  }

  Random weights_random_;
  Random noise_random_;
  InputSource source_;
  Generator<float> generator_;
  Discriminator discriminator_;
  Discriminator::Pass judged_;
  Discriminator::Pass on_real_;
  Discriminator::Pass on_made_;
  torch::Tensor real_gradient_;
  torch::Tensor made_gradient_;
  torch::Tensor generator_gradient_;
  AlignedVector<float> made_;
  AlignedVector<float> slope_;
  Generator<float>::Composition composed_;
  // Slopes of the mean distances to one and to zero; all of the map lies in (0, 1).
  std::array<float, Discriminator::kMapCount> towards_one_{};
  std::array<float, Discriminator::kMapCount> half_towards_one_{};
  std::array<float, Discriminator::kMapCount> half_towards_zero_{};
  std::array<Inputs, 2> inputs_;
  Schedule schedule_;
  double constraints_total_ = 0.0;
  Meeting meeting_;
  SideThread beside_;  // the last: its thread ends before what it works on
};

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
  Session session(context);
  // Products this small lose more by sharing than they gain.
  const OneThread one_thread;
  Contest contest(photo, context.seed);
  AdversarialResult result{BlurKernel(torch::ones({1, 1})), {}};
  for (int64_t step = 0; step < options.iterations; ++step) {
    contest.step(step);
    result.summary.steps = step + 1;
    session.report("kernel", step + 1, options.iterations, contest.loss());
    result.summary.termination = session.termination();
    if (result.summary.termination != Termination::kFinished) break;
  }
  const torch::Tensor kernel = contest.kernel();
  result.summary.train_s = session.elapsed_s();
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
