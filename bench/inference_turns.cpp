// One side of bench/vs-onnxruntime: holds a network and makes one inference for every line on standard input.
//   zsr_inference_turns WEIGHTS SIDE [THREADS]
// Prints "ready SCALE CHANNELS" and then, for every line read, the milliseconds of one pass on a SIDE x SIDE image.
#include "core/error.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

namespace {

double milliseconds(const zsr::networks::Network& network, const zsr::networks::Input& input) {
  const auto start = std::chrono::steady_clock::now();
  network.forward(input);
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int take_turns(const std::string& weights, int64_t side, int threads) {
  const torch::InferenceMode inference;
  at::set_num_threads(threads);
  const zsr::WeightsFile file = zsr::load_or_shipped(weights);
  const zsr::networks::Kind* const kind = zsr::networks::recognise(file);
  if (kind == nullptr) throw zsr::InputError(fmt::format("'{}' holds no network that zsr knows", weights));
  const auto network = kind->build(file);
  const zsr::networks::Traits& traits = network->traits();
  torch::manual_seed(1);
  zsr::networks::Input input;
  input.image = torch::rand({1, traits.channels, side, side});
  input.scale = traits.takes_enlarged ? 1 : traits.scales.empty() ? 2 : traits.scales.front();
  milliseconds(*network, input);
  fmt::print("ready {} {}\n", input.scale, traits.channels);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{:.3f}\n", milliseconds(*network, input));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    fmt::print(stderr, "usage: zsr_inference_turns WEIGHTS SIDE [THREADS]\n");
    return 2;
  }
  try {
    return take_turns(argv[1], std::stoll(argv[2]), argc > 3 ? std::stoi(argv[3]) : 2);
  } catch (const std::exception& error) {
    fmt::print(stderr, "zsr_inference_turns: {}\n", error.what());
    return 1;
  }
}
