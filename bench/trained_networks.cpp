#include "bench/trained_networks.h"

#include "nn/kernels/conv_chain.h"
#include "nn/optim/flat_adam.h"

#include <torch/nn.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <memory>

namespace zsr::bench {
namespace {

constexpr int64_t kBlocks = 16;
constexpr int64_t kWidth = 64;

// EDSR's baseline x2 without its mean shift.
std::vector<ConvLayer> edsr_layers() {
  std::vector<ConvLayer> layers{{3, kWidth, true, false}};
  for (int64_t i = 0; i < kBlocks; ++i) {
    const auto into = static_cast<int64_t>(layers.size());
    layers.push_back({kWidth, kWidth, true, true});
    layers.push_back({kWidth, kWidth, true, false, false, into});
  }
  layers.push_back({kWidth, kWidth, true, false, false, 1});
  layers.push_back({kWidth, 4 * kWidth, true, false, false, -1, 2});
  layers.push_back({kWidth, 3, true, false});
  return layers;
}

std::vector<ConvLayer> srmd_layers() {
  std::vector<ConvLayer> layers{{19, 128, true, true}};
  for (int64_t i = 0; i < 10; ++i) layers.push_back({128, 128, true, true});
  layers.push_back({128, 12, true, false});
  return layers;
}

// The same in stock modules, whatever the chain is.
struct Stock : torch::nn::Module {
  Stock(const ConvChain& chain, const torch::Tensor& parameters) : layers(chain.layers()) {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < layers.size(); ++i) {
      torch::nn::Conv2d conv(torch::nn::Conv2dOptions(layers[i].in_channels, layers[i].out_channels, 3).padding(1));
      conv->weight.copy_(chain.weight(parameters, i));
      conv->bias.copy_(chain.bias(parameters, i));
      convs.push_back(register_module("conv" + std::to_string(i), conv));
    }
  }

  torch::Tensor forward(const torch::Tensor& input) {
    std::vector<torch::Tensor> images{input};
    for (size_t i = 0; i < layers.size(); ++i) {
      torch::Tensor x = convs[i]->forward(images.back());
      if (layers[i].add >= 0) x = x + images[static_cast<size_t>(layers[i].add)];
      if (layers[i].relu) x = torch::relu(x);
      if (layers[i].shuffle > 1) x = torch::pixel_shuffle(x, layers[i].shuffle);
      images.push_back(x);
    }
    return images.back();
  }

  std::vector<ConvLayer> layers;
  std::vector<torch::nn::Conv2d> convs;
};

std::shared_ptr<Stock> stock(const ConvChain& chain, const torch::Tensor& parameters, torch::MemoryFormat format) {
  auto network = std::make_shared<Stock>(chain, parameters);
  for (torch::Tensor& parameter : network->parameters()) {
    parameter.set_data(parameter.detach().contiguous(parameter.dim() == 4 ? format : torch::MemoryFormat::Contiguous));
  }
  return network;
}

const std::vector<std::pair<std::string, torch::MemoryFormat>>& formats() {
  static const std::vector<std::pair<std::string, torch::MemoryFormat>> both = {
      {"libtorch nchw", torch::MemoryFormat::Contiguous},
      {"libtorch channels_last", torch::MemoryFormat::ChannelsLast}};
  return both;
}

Race inference(const std::string& what, const std::vector<ConvLayer>& layers, int64_t side) {
  const auto chain = std::make_shared<ConvChain>(layers);
  const torch::Tensor parameters = torch::randn({chain->parameter_count()}) * 0.03;
  const torch::Tensor input = torch::rand({1, layers[0].in_channels, side, side});
  Race race{what, {}, 0.0};
  race.entrants.push_back({"zsr", [=] {
                             const torch::NoGradGuard no_grad;
                             chain->forward(input, parameters);
                           }});
  for (const auto& [name, format] : formats()) {
    const auto network = stock(*chain, parameters, format);
    const torch::Tensor x = input.contiguous(format);
    race.entrants.push_back({name, [=] {
                               const torch::NoGradGuard no_grad;
                               network->forward(x);
                             }});
    const torch::NoGradGuard no_grad;
    const torch::Tensor want = network->forward(x);
    race.difference = ((chain->forward(input, parameters) - want).abs().max() / want.abs().max()).item<double>();
  }
  return race;
}

Race edsr_training() {
  constexpr int64_t kBatch = 16;
  constexpr int64_t kSide = 48;
  const auto chain = std::make_shared<ConvChain>(edsr_layers());
  const torch::Tensor start = torch::randn({chain->parameter_count()}) * 0.03;
  const torch::Tensor input = torch::rand({kBatch, 3, kSide, kSide});
  const torch::Tensor target = torch::rand({kBatch, 3, 2 * kSide, 2 * kSide});
  const torch::Tensor parameters = start.clone().requires_grad_(true);
  const auto adam = std::make_shared<FlatAdam>(parameters.numel(), torch::kCPU, 0.9, 0.999);
  Race race{"Training step (forward, L1, backward, Adam) of EDSR's baseline x2, batch 16 of 48 x 48, median:", {}, 0.0};
  race.entrants.push_back({"zsr", [=] {
                             parameters.mutable_grad().reset();
                             (chain->forward(input, parameters) - target).abs().mean().backward();
                             adam->step(parameters.detach(), parameters.grad(), 1e-4);
                           }});
  for (const auto& [name, format] : formats()) {
    const auto network = stock(*chain, start, format);
    const auto optimizer = std::make_shared<torch::optim::Adam>(network->parameters(), torch::optim::AdamOptions(1e-4));
    const torch::Tensor x = input.contiguous(format);
    const torch::Tensor y = target.contiguous(format);
    {
      const torch::NoGradGuard no_grad;
      const torch::Tensor want = network->forward(x);
      race.difference = ((chain->forward(input, start) - want).abs().max() / want.abs().max()).item<double>();
    }
    race.entrants.push_back({name, [=] {
                               optimizer->zero_grad();
                               (network->forward(x) - y).abs().mean().backward();
                               optimizer->step();
                             }});
  }
  return race;
}

}  // namespace

std::vector<Race> trained_network_races() {
  constexpr int64_t kSide = 256;
  std::vector<Race> races;
  races.push_back(inference("Inference, EDSR's baseline x2, 256 x 256, median:", edsr_layers(), kSide));
  races.push_back(inference("Inference, SRMD x2, 256 x 256, median:", srmd_layers(), kSide));
  races.push_back(edsr_training());
  return races;
}

}  // namespace zsr::bench
