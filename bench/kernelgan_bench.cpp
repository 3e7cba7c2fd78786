// The parts of one KernelGAN step, one thread.
#include "kernelgan/constraints.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/generator.h"

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace zsr::kernelgan {
namespace {

void bm_generator(benchmark::State& state) {
  at::set_num_threads(1);
  Random random(1);
  Generator generator(random);
  const GeneratorPatch patch(torch::rand({1, 3, 64, 64}));
  for (auto _ : state) {
    const Generator::Composition composed = generator.compose();
    const torch::Tensor slope = patch.kernel_gradient(patch.shrunken(composed.kernel));
    benchmark::DoNotOptimize(generator.gradient(composed, slope).data_ptr());
  }
}
BENCHMARK(bm_generator)->Unit(benchmark::kMicrosecond);

void bm_generator_kernel(benchmark::State& state) {
  at::set_num_threads(1);
  Random random(1);
  Generator generator(random);
  for (auto _ : state) benchmark::DoNotOptimize(generator.compose().kernel.data_ptr());
}
BENCHMARK(bm_generator_kernel)->Unit(benchmark::kMicrosecond);

void bm_generator_patch(benchmark::State& state) {
  at::set_num_threads(1);
  const torch::Tensor image = torch::rand({1, 3, 64, 64});
  const torch::Tensor kernel = torch::rand({13, 13});
  for (auto _ : state) benchmark::DoNotOptimize(GeneratorPatch(image).shrunken(kernel).data_ptr());
}
BENCHMARK(bm_generator_patch)->Unit(benchmark::kMicrosecond);

void bm_discriminator(benchmark::State& state) {
  at::set_num_threads(1);
  Random random(1);
  Discriminator discriminator(3, random);
  const torch::Tensor patch = torch::rand({1, 3, 26, 26});
  const torch::Tensor slope = torch::rand({400});
  for (auto _ : state) {
    const Discriminator::Pass pass = discriminator.forward(patch);
    if (state.range(0) == 1) benchmark::DoNotOptimize(discriminator.input_gradient(pass, slope).data_ptr());
    if (state.range(0) == 2) benchmark::DoNotOptimize(discriminator.parameter_gradient(pass, slope).data_ptr());
  }
}
BENCHMARK(bm_discriminator)->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMicrosecond);

void bm_constraints(benchmark::State& state) {
  at::set_num_threads(1);
  const torch::Tensor kernel = torch::rand({13, 13}).div_(80.0);
  const torch::Tensor output = torch::rand({1, 3, 26, 26});
  const torch::Tensor reference = torch::rand({1, 3, 26, 26});
  const ConstraintWeights weights{.centralized = 1.0, .sparse = 5.0};
  for (auto _ : state) benchmark::DoNotOptimize(constraint_loss(kernel, output, reference, weights).total);
}
BENCHMARK(bm_constraints)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace zsr::kernelgan
