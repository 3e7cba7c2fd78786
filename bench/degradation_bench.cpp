#include "core/normal_field.h"
#include "degradations/compression.h"
#include "degradations/kernel_families.h"
#include "degradations/recipe.h"

#include <benchmark/benchmark.h>
#include <opencv2/imgcodecs.hpp>
#include <torch/types.h>

#include <atomic>
#include <omp.h>
#include <thread>
#include <vector>

namespace zsr {
namespace {

constexpr int64_t kSide = 320;

// Smooth shapes with edges and fine grain: what a codec and a filter meet in a photo.
torch::Tensor picture() {
  torch::manual_seed(1);
  const torch::Tensor coarse = torch::rand({1, 3, 20, 20});
  const torch::Tensor large = imresize(coarse, {kSide / 20.0, kSide / 20.0});
  return (large + 0.04 * torch::randn({1, 3, kSide, kSide})).clamp(0.0, 1.0).contiguous();
}

// Pairs a second of BSRGAN's recipe, HR 320 x 320, x4, in memory; each thread works on its own pairs.
void bm_bsrgan(benchmark::State& state) {
  const torch::Tensor hr = picture();
  const auto recipe = make_recipe("bsrgan", {.scale = {4.0, 4.0}});
  const auto threads = static_cast<int>(state.range(0));
  constexpr int64_t kPairs = 200;
  for (auto _ : state) {
    std::atomic<int64_t> next{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        omp_set_num_threads(1);
        for (int64_t pair = next++; pair < kPairs; pair = next++) {
          Random random(derive_seed(static_cast<uint64_t>(pair), "bench"));
          benchmark::DoNotOptimize(apply_steps(recipe->draw({kSide, kSide}, random), hr).data_ptr());
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  state.counters["pairs/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kPairs), benchmark::Counter::kIsRate);
}
BENCHMARK(bm_bsrgan)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// One blur of 3 x 320 x 320 by a kernel of the given size; GMAC/s beside memory's and the processor's own.
void bm_blur(benchmark::State& state) {
  omp_set_num_threads(1);
  const torch::Tensor image = picture();
  KernelSpec spec{.size = state.range(0), .sigma_1 = 2.0, .sigma_2 = state.range(1) != 0 ? 2.0 : 1.0, .angle = 0.5};
  const torch::Tensor weights = make_kernel(spec).weights();
  for (auto _ : state) benchmark::DoNotOptimize(correlate(image, weights, {}, Border::kReflect).data_ptr());
}
BENCHMARK(bm_blur)->ArgsProduct({{7, 15, 25}, {0, 1}})->Unit(benchmark::kMicrosecond);

void bm_jpeg(benchmark::State& state) {
  const torch::Tensor image = picture();
  for (auto _ : state) benchmark::DoNotOptimize(jpeg_round_trip(image, 75).data_ptr());
}
BENCHMARK(bm_jpeg)->Unit(benchmark::kMicrosecond);

// The codec alone, on bytes that stand ready.
void bm_jpeg_codec(benchmark::State& state) {
  cv::Mat bytes;
  const torch::Tensor levels = picture()[0].mul(255.0).to(torch::kUInt8).permute({1, 2, 0}).contiguous();
  cv::Mat(kSide, kSide, CV_8UC3, levels.data_ptr()).copyTo(bytes);
  std::vector<uint8_t> file;
  for (auto _ : state) {
    cv::imencode(".jpg", bytes, file, {cv::IMWRITE_JPEG_QUALITY, 75});
    benchmark::DoNotOptimize(cv::imdecode(file, cv::IMREAD_COLOR).data);
  }
}
BENCHMARK(bm_jpeg_codec)->Unit(benchmark::kMicrosecond);

// imresize of 3 x 320 x 320 to half; MATLAB-exact beside OpenCV's.
void bm_imresize(benchmark::State& state) {
  omp_set_num_threads(1);
  const torch::Tensor image = picture();
  for (auto _ : state) benchmark::DoNotOptimize(imresize(image, {0.5, 0.5}).data_ptr());
}
BENCHMARK(bm_imresize)->Unit(benchmark::kMicrosecond);

void bm_opencv_resize(benchmark::State& state) {
  const torch::Tensor image = picture();
  const auto method = static_cast<OpenCvResize>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(opencv_resize(image, 160, 160, method).data_ptr());
}
BENCHMARK(bm_opencv_resize)->Arg(1)->Arg(2)->Arg(3)->Unit(benchmark::kMicrosecond);

void bm_gaussian_noise(benchmark::State& state) {
  const torch::Tensor image = picture();
  for (auto _ : state) {
    benchmark::DoNotOptimize(add_gaussian_noise(image, 10.0, NoiseColor::kColor, 1).data_ptr());
  }
}
BENCHMARK(bm_gaussian_noise)->Unit(benchmark::kMicrosecond);

// The bound: reading and writing the same bytes once.
void bm_copy(benchmark::State& state) {
  const torch::Tensor image = picture();
  torch::Tensor copy = torch::empty_like(image);
  for (auto _ : state) benchmark::DoNotOptimize(copy.copy_(image).data_ptr());
}
BENCHMARK(bm_copy)->Unit(benchmark::kMicrosecond);

void bm_normal_field(benchmark::State& state) {
  std::vector<float> field(3 * kSide * kSide);
  for (auto _ : state) {
    fill_normal(1, field.data(), static_cast<int64_t>(field.size()));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(bm_normal_field)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace zsr
