// The 8 x 64 network of ZSSR, EDSR and SRMD in zsr and in stock LibTorch, side by side: rounds alternate between the
// two, so that whatever slows the machine down slows both. Prints ratios above 1 where zsr is faster.
//   zsr_vs_libtorch [--json] [--threads N] [--rounds N] [--only dip|NETWORK,...] [--train] [--side N]
#include "bench/hourglass_race.h"
#include "bench/network_races.h"
#include "bench/race.h"
#include "bench/trained_networks.h"
#include "core/device.h"
#include "nn/kernels/conv_backend.h"
#include "nn/kernels/conv_chain.h"
#include "nn/optim/flat_adam.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/nn.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <sstream>
#include <string>

namespace {

using zsr::bench::Entrant;
using zsr::bench::race;
using zsr::bench::ratio;

constexpr int64_t kWidth = 64;
constexpr int64_t kDepth = 8;
constexpr int64_t kTrainSide = 128;
constexpr int64_t kInferSide = 512;

std::vector<zsr::ConvLayer> layers() {
  std::vector<zsr::ConvLayer> result{{3, kWidth, false, true}};
  for (int64_t i = 0; i < kDepth - 2; ++i) result.push_back({kWidth, kWidth, false, true});
  result.push_back({kWidth, 3, false, false});
  return result;
}

torch::nn::Sequential stock_network(const zsr::ConvChain& chain, const torch::Tensor& parameters) {
  torch::nn::Sequential network;
  for (size_t i = 0; i < chain.layers().size(); ++i) {
    const zsr::ConvLayer& layer = chain.layers()[i];
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(layer.in_channels, layer.out_channels, 3).padding(1).bias(false));
    const torch::NoGradGuard no_grad;
    conv->weight.copy_(chain.weight(parameters, i));
    network->push_back(conv);
    if (layer.relu) network->push_back(torch::nn::ReLU());
  }
  return network;
}

std::vector<Entrant> training_entrants(const zsr::ConvChain& chain, const torch::Tensor& start) {
  const torch::Tensor input = torch::rand({1, 3, kTrainSide, kTrainSide});
  const torch::Tensor target = input + 0.05 * torch::randn_like(input);
  const torch::Tensor parameters = start.clone().requires_grad_(true);
  const auto adam = std::make_shared<zsr::FlatAdam>(parameters.numel(), torch::kCPU, 0.9, 0.999);
  std::vector<Entrant> entrants;
  entrants.push_back({"zsr", [&chain, input, target, parameters, adam] {
                        parameters.mutable_grad().reset();
                        (chain.forward(input, parameters) - target).abs().mean().backward();
                        adam->step(parameters.detach(), parameters.grad(), 1e-4);
                      }});
  for (const bool channels_last : {false, true}) {
    torch::nn::Sequential network = stock_network(chain, start);
    const auto format = channels_last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    for (torch::Tensor& parameter : network->parameters()) {
      parameter.set_data(parameter.detach().contiguous(format));
    }
    const auto optimizer = std::make_shared<torch::optim::Adam>(network->parameters(), torch::optim::AdamOptions(1e-4));
    const torch::Tensor x = input.contiguous(format);
    const torch::Tensor y = target.contiguous(format);
    entrants.push_back(
        {channels_last ? "libtorch channels_last" : "libtorch nchw", [network, optimizer, x, y]() mutable {
           optimizer->zero_grad();
           (network->forward(x) - y).abs().mean().backward();
           optimizer->step();
         }});
  }
  return entrants;
}

std::vector<Entrant> inference_entrants(const zsr::ConvChain& chain, const torch::Tensor& parameters) {
  const torch::Tensor input = torch::rand({1, 3, kInferSide, kInferSide});
  std::vector<Entrant> entrants;
  entrants.push_back({"zsr", [&chain, input, parameters] {
                        const torch::NoGradGuard no_grad;
                        chain.forward(input, parameters);
                      }});
  for (const bool channels_last : {false, true}) {
    torch::nn::Sequential network = stock_network(chain, parameters);
    const auto format = channels_last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    for (torch::Tensor& parameter : network->parameters()) {
      parameter.set_data(parameter.detach().contiguous(format));
    }
    const torch::Tensor x = input.contiguous(format);
    entrants.push_back({channels_last ? "libtorch channels_last" : "libtorch nchw", [network, x]() mutable {
                          const torch::NoGradGuard no_grad;
                          network->forward(x);
                        }});
  }
  return entrants;
}

// Both must compute the same thing, or the ratio means nothing.
double largest_difference(const zsr::ConvChain& chain, const torch::Tensor& parameters) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor input = torch::rand({1, 3, 61, 75});
  const torch::Tensor want = stock_network(chain, parameters)->forward(input);
  return ((chain.forward(input, parameters) - want).abs().max() / want.abs().max()).item<double>();
}

nlohmann::json to_json(const std::vector<Entrant>& entrants) {
  nlohmann::json json;
  for (const Entrant& entrant : entrants) json[entrant.name] = entrant.median_ms();
  return json;
}

void print(const char* what, const std::vector<Entrant>& entrants) {
  fmt::print("{}\n", what);
  for (const Entrant& entrant : entrants) fmt::print("  {:<24} {:8.1f} ms\n", entrant.name, entrant.median_ms());
  fmt::print("  zsr is {:.2f} times as fast as the fastest of the others\n", ratio(entrants));
}

void print(const zsr::bench::Race& one) {
  print(one.what.c_str(), one.entrants);
  fmt::print("Largest relative difference of the outputs: {:.1e}\n", one.difference);
}

struct Flags {
  bool json = false;
  bool only_dip = false;
  std::vector<std::string> networks;  // only these
  bool train = false;
  int64_t side = 256;
  int64_t threads = 0;
  int rounds = 9;
};

// False, and why on stderr, for flags that there are not.
bool parse(int argc, char** argv, Flags& flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--json") {
      flags.json = true;
    } else if (flag == "--train") {
      flags.train = true;
    } else if ((flag == "--threads" || flag == "--rounds" || flag == "--side") && i + 1 < argc) {
      const int value = std::atoi(argv[++i]);
      if (value < 1) {
        fmt::print(stderr, "zsr_vs_libtorch: {} {} must be a whole number above 0\n", flag, argv[i]);
        return false;
      }
      if (flag == "--threads") flags.threads = value;
      if (flag == "--rounds") flags.rounds = value;
      if (flag == "--side") flags.side = value;
    } else if (flag == "--only" && i + 1 < argc && std::string(argv[i + 1]) == "dip") {
      flags.only_dip = true;
      ++i;
    } else if (flag == "--only" && i + 1 < argc) {
      std::istringstream names(argv[++i]);
      for (std::string name; std::getline(names, name, ',');) flags.networks.push_back(name);
    } else {
      fmt::print(
          stderr,
          "zsr_vs_libtorch: unknown '{}'; flags are --json, --threads N, --rounds N, --side N, --train, --only dip or "
          "names of networks\n",
          flag);
      return false;
    }
  }
  return true;
}

// The races that were named; false = none was.
bool run_named(const Flags& flags) {
  for (const std::string& name : flags.networks) {
    zsr::bench::Race one = zsr::bench::network_races({name}, flags.side, flags.train).front();
    race(one.entrants, flags.rounds, 1);
    print(one);
  }
  if (flags.networks.empty() && flags.only_dip) {
    zsr::bench::Race dip = zsr::bench::hourglass_race(kInferSide);
    race(dip.entrants, flags.rounds, 1);
    print(dip);
  }
  return !flags.networks.empty() || flags.only_dip;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  if (!parse(argc, argv, flags)) return 2;
  const int rounds = flags.rounds;
  const int64_t threads = zsr::set_thread_count(flags.threads);
  torch::manual_seed(0);
  if (run_named(flags)) return 0;
  const zsr::ConvChain chain(layers());
  const torch::Tensor parameters = torch::randn({chain.parameter_count()}) * 0.04;
  const double difference = largest_difference(chain, parameters);
  std::vector<Entrant> training = training_entrants(chain, parameters);
  race(training, rounds, 4);
  std::vector<Entrant> inference = inference_entrants(chain, parameters);
  race(inference, rounds, 2);
  std::vector<zsr::bench::Race> trained = zsr::bench::trained_network_races();
  trained.push_back(zsr::bench::hourglass_race(kInferSide));
  for (zsr::bench::Race& one : trained) race(one.entrants, std::max(3, rounds / 2), 1);
  if (flags.json) {
    nlohmann::json others = nlohmann::json::array();
    for (const zsr::bench::Race& one : trained) {
      others.push_back({{"what", one.what},
                        {"ratio", ratio(one.entrants)},
                        {"ms", to_json(one.entrants)},
                        {"relative_difference", one.difference}});
    }
    fmt::print("{}\n", nlohmann::json{{"train_step_ratio", ratio(training)},
                                      {"inference_ratio", ratio(inference)},
                                      {"train_step_ms", to_json(training)},
                                      {"inference_ms", to_json(inference)},
                                      {"relative_difference", difference},
                                      {"trained_networks", others},
                                      {"network", "8 x 64, 3x3, no bias"},
                                      {"train_size", kTrainSide},
                                      {"inference_size", kInferSide},
                                      {"rounds", rounds},
                                      {"threads", threads},
                                      {"runtime", zsr::describe_runtime(zsr::describe_conv_backend())}}
                           .dump(2));
    return 0;
  }
  fmt::print("{}\n\n", zsr::describe_runtime(zsr::describe_conv_backend()));
  print("Training step (forward, L1, backward, Adam), 8 x 64 network, 128 x 128, median:", training);
  print("Inference, 8 x 64 network, 512 x 512, median:", inference);
  fmt::print("Largest relative difference of the outputs: {:.1e}\n", difference);
  for (const zsr::bench::Race& one : trained) {
    fmt::print("\n");
    print(one);
  }
  return 0;
}
