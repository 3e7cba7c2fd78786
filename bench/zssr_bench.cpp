// Parts of a ZSSR run, each with what it costs beside a training step: pairs, optimisers, inference, ensemble.
#include "core/device.h"
#include "image/median.h"
#include "nn/kernels/conv_chain.h"
#include "nn/optim/flat_adam.h"
#include "nn/optim/muon.h"
#include "zssr/network.h"
#include "zssr/pairs.h"

#include <benchmark/benchmark.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

namespace {

using benchmark::kMicrosecond;
using benchmark::kMillisecond;

void one_convolution(benchmark::State& state, zsr::ConvBackend backend) {
  zsr::set_thread_count(0);
  const torch::NoGradGuard no_grad;
  const zsr::ConvChain chain({{64, 64, false, true}}, backend);
  const torch::Tensor input = torch::rand({1, 64, 128, 128});
  const torch::Tensor parameters = torch::randn({chain.parameter_count()}) * 0.05;
  for (auto _ : state) benchmark::DoNotOptimize(chain.forward(input, parameters));
}
BENCHMARK_CAPTURE(one_convolution, torch, zsr::ConvBackend::kTorch)->Unit(kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(one_convolution, winograd, zsr::ConvBackend::kWinograd)->Unit(kMillisecond)->UseRealTime();

void draw_pairs(benchmark::State& state, zsr::zssr::Sampling sampling) {
  zsr::set_thread_count(0);
  zsr::zssr::Options options;
  options.pairs.sampling = sampling;
  if (sampling == zsr::zssr::Sampling::kAffine) options.pairs.crop = 128;
  const zsr::zssr::Formation formation({2, 2}, std::nullopt, std::nullopt);
  const zsr::zssr::PairSampler sampler(options, formation, {{torch::rand({1, 3, 256, 256}), 1.0}});
  zsr::Random random(0);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.draw(random));
}
BENCHMARK_CAPTURE(draw_pairs, affine, zsr::zssr::Sampling::kAffine)->Unit(kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(draw_pairs, pyramid, zsr::zssr::Sampling::kPyramid)->Unit(kMicrosecond)->UseRealTime();

// Everything of a default training step but the pairs and the optimiser.
void default_step(benchmark::State& state) {
  zsr::set_thread_count(0);
  const zsr::zssr::Options options;
  zsr::Random random(0);
  const zsr::zssr::Network network(options, 3, {2, 2}, random, torch::kCPU);
  const torch::Tensor son = torch::rand({2, 3, 48, 48});
  const torch::Tensor target = torch::rand({2, 3, 96, 96});
  for (auto _ : state) {
    network.parameters().mutable_grad().reset();
    (network.residual(son, {}) - target).abs().mean().backward();
  }
}
BENCHMARK(default_step)->Unit(kMicrosecond)->UseRealTime();

void adam_step(benchmark::State& state) {
  zsr::set_thread_count(0);
  torch::Tensor parameters = torch::randn({224640});
  const torch::Tensor gradient = torch::randn({224640});
  zsr::FlatAdam adam(parameters.numel(), torch::kCPU, 0.9, 0.999);
  for (auto _ : state) adam.step(parameters, gradient, 1e-3);
}
BENCHMARK(adam_step)->Unit(kMicrosecond)->UseRealTime();

void libtorch_adam_step(benchmark::State& state) {
  zsr::set_thread_count(0);
  torch::Tensor parameters = torch::randn({224640}).requires_grad_(true);
  parameters.mutable_grad() = torch::randn({224640});
  torch::optim::Adam adam(std::vector<torch::Tensor>{parameters}, torch::optim::AdamOptions(1e-3));
  for (auto _ : state) adam.step();
}
BENCHMARK(libtorch_adam_step)->Unit(kMicrosecond)->UseRealTime();

void muon_step(benchmark::State& state) {
  zsr::set_thread_count(0);
  std::vector<zsr::MatrixSlice> slices;
  for (int64_t i = 0; i < 6; ++i) slices.push_back({i * 64 * 576, 64, 576});
  torch::Tensor parameters = torch::randn({6 * 64 * 576});
  const torch::Tensor gradient = torch::randn({6 * 64 * 576});
  zsr::Muon muon(slices, torch::kCPU, 0.9);
  for (auto _ : state) muon.step(parameters, gradient, 1e-3);
}
BENCHMARK(muon_step)->Unit(kMicrosecond)->UseRealTime();

void inference(benchmark::State& state, zsr::ConvBackend backend) {
  zsr::set_thread_count(0);
  const torch::NoGradGuard no_grad;
  std::vector<zsr::ConvLayer> layers{{3, 64, false, true}};
  for (int i = 0; i < 6; ++i) layers.push_back({64, 64, false, true});
  layers.push_back({64, 12, false, false});
  const zsr::ConvChain chain(layers, backend);
  const torch::Tensor input = torch::rand({1, 3, 512, 512});
  const torch::Tensor parameters = torch::randn({chain.parameter_count()}) * 0.05;
  for (auto _ : state) benchmark::DoNotOptimize(chain.forward(input, parameters));
}
BENCHMARK_CAPTURE(inference, torch, zsr::ConvBackend::kTorch)->Unit(kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(inference, winograd, zsr::ConvBackend::kWinograd)->Unit(kMillisecond)->UseRealTime();

void median_of_8(benchmark::State& state) {
  zsr::set_thread_count(0);
  std::vector<torch::Tensor> images;
  for (int i = 0; i < 8; ++i) images.push_back(torch::rand({1, 3, 512, 512}));
  for (auto _ : state) benchmark::DoNotOptimize(zsr::median_of(images));
}
BENCHMARK(median_of_8)->Unit(kMillisecond)->UseRealTime();

}  // namespace
