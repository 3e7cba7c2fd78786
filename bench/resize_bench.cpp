// MATLAB-exact imresize of a 3-megapixel photo beside at::upsample_bicubic2d, which is neither exact nor antialiased
// alike.
#include "core/device.h"
#include "image/resize.h"

#include <benchmark/benchmark.h>
#include <torch/types.h>

namespace {

torch::Tensor photo() {
  return torch::rand({1, 3, 1536, 2048});
}

void imresize_half(benchmark::State& state) {
  zsr::set_thread_count(0);
  const torch::Tensor image = photo();
  for (auto _ : state) benchmark::DoNotOptimize(zsr::imresize(image, {0.5, 0.5}));
}

void torch_half_antialiased(benchmark::State& state) {
  zsr::set_thread_count(0);
  const torch::Tensor image = photo();
  for (auto _ : state) benchmark::DoNotOptimize(at::_upsample_bicubic2d_aa(image, {768, 1024}, false));
}

void imresize_double(benchmark::State& state) {
  zsr::set_thread_count(0);
  const torch::Tensor image = photo();
  for (auto _ : state) benchmark::DoNotOptimize(zsr::imresize(image, {2.0, 2.0}));
}

void torch_double(benchmark::State& state) {
  zsr::set_thread_count(0);
  const torch::Tensor image = photo();
  for (auto _ : state) benchmark::DoNotOptimize(at::upsample_bicubic2d(image, {3072, 4096}, false));
}

BENCHMARK(imresize_half)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(torch_half_antialiased)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(imresize_double)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(torch_double)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
