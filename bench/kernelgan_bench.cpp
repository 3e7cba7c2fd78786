// The parts of one KernelGAN step, one thread.
#include "kernelgan/constraints.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/generator.h"

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/types.h>

namespace zsr::kernelgan {
namespace {

std::span<float> values(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

void bm_generator_compose(benchmark::State& state) {
  Random random(1);
  const Generator<float> generator(random);
  Generator<float>::Composition composed = generator.compose();
  for (auto _ : state) {
    generator.compose(composed);
    benchmark::DoNotOptimize(composed.kernel);
  }
}
BENCHMARK(bm_generator_compose)->Unit(benchmark::kMicrosecond);

void bm_generator_gradient(benchmark::State& state) {
  Random random(1);
  const Generator<float> generator(random);
  Generator<float>::Composition composed = generator.compose();
  const torch::Tensor flat = torch::empty({Generator<float>::kParameters});
  for (auto _ : state) generator.gradient(composed, composed.kernel, values(flat));
}
BENCHMARK(bm_generator_gradient)->Unit(benchmark::kMicrosecond);

void bm_generator_patch(benchmark::State& state) {
  const torch::Tensor image = torch::rand({1, 3, 64, 64});
  const torch::Tensor output = torch::empty({1, 3, 26, 26});
  GeneratorPatch<float> patch;
  for (auto _ : state) {
    patch.take(image, 0, 0);
    patch.shrink(bicubic_reference_kernel(), values(output));
    benchmark::DoNotOptimize(patch.kernel_gradient(values(output)));
  }
}
BENCHMARK(bm_generator_patch)->Unit(benchmark::kMicrosecond);

void bm_generator_descend(benchmark::State& state) {
  at::set_num_threads(1);
  Random random(1);
  Generator<float> generator(random);
  const torch::Tensor flat = torch::rand({Generator<float>::kParameters});
  for (auto _ : state) generator.parameters().descend(flat, 1e-9);
}
BENCHMARK(bm_generator_descend)->Unit(benchmark::kMicrosecond);

void bm_discriminator_normalize(benchmark::State& state) {
  Random random(1);
  Discriminator discriminator(3, random);
  Discriminator::Pass pass = discriminator.make_pass();
  for (auto _ : state) discriminator.normalize(pass.weights);
}
BENCHMARK(bm_discriminator_normalize)->Unit(benchmark::kMicrosecond);

// 0: forward; 1: and the gradient at its input; 2: and that of its parameters.
void bm_discriminator(benchmark::State& state) {
  Random random(1);
  Discriminator discriminator(3, random);
  const torch::Tensor patch = torch::rand({1, 3, 26, 26});
  const torch::Tensor at_input = torch::empty_like(patch);
  const torch::Tensor slope = torch::rand({400});
  const torch::Tensor flat = torch::empty({discriminator.parameters().count()});
  Discriminator::Pass pass = discriminator.make_pass();
  discriminator.normalize(pass.weights);
  for (auto _ : state) {
    discriminator.forward(values(patch), pass);
    if (state.range(0) == 1) discriminator.input_gradient(pass, values(slope), values(at_input));
    if (state.range(0) == 2) discriminator.parameter_gradient(pass, values(slope), values(flat));
  }
}
BENCHMARK(bm_discriminator)->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMicrosecond);

void bm_constraints(benchmark::State& state) {
  const torch::Tensor kernel = torch::rand({13, 13}).div_(80.0);
  const torch::Tensor output = torch::rand({1, 3, 26, 26});
  const torch::Tensor reference = torch::rand({1, 3, 26, 26});
  const torch::Tensor slope = torch::zeros({1, 3, 26, 26});
  const ConstraintWeights weights{.centralized = 1.0, .sparse = 5.0};
  const std::span<const float, kKernelCount> taps(kernel.data_ptr<float>(), kKernelCount);
  for (auto _ : state) {
    benchmark::DoNotOptimize(constraint_loss(taps, values(output), values(reference), weights, values(slope)).total);
  }
}
BENCHMARK(bm_constraints)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace zsr::kernelgan
