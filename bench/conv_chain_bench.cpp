// One training step (forward, L1, backward) of the 8 x 64 network on 128 x 128, per convolution backend.
#include "core/device.h"
#include "nn/kernels/conv_chain.h"

#include <benchmark/benchmark.h>
#include <torch/types.h>

namespace {

std::vector<zsr::ConvLayer> network() {
  std::vector<zsr::ConvLayer> layers{{3, 64, false, true}};
  for (int i = 0; i < 6; ++i) layers.push_back({64, 64, false, true});
  layers.push_back({64, 3, false, false});
  return layers;
}

void training_step(benchmark::State& state, zsr::ConvBackend backend) {
  zsr::set_thread_count(0);
  const zsr::ConvChain chain(network(), backend);
  const torch::Tensor input = torch::rand({1, 3, 128, 128});
  const torch::Tensor target = torch::rand({1, 3, 128, 128});
  const torch::Tensor parameters = (torch::randn({chain.parameter_count()}) * 0.05).requires_grad_(true);
  for (auto _ : state) {
    parameters.mutable_grad().reset();
    (chain.forward(input, parameters) - target).abs().mean().backward();
  }
}

BENCHMARK_CAPTURE(training_step, torch, zsr::ConvBackend::kTorch)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(training_step, winograd, zsr::ConvBackend::kWinograd)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
