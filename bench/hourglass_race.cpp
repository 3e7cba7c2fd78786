#include "bench/hourglass_race.h"

#include "dip/skip_network.h"
#include "nn/optim/flat_adam.h"

#include <fmt/format.h>
#include <torch/nn.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

#include <memory>

namespace zsr::bench {
namespace {

// The published network from stock modules, their parameters registered in the order of dip::SkipLayout.
struct StockHourglass : torch::nn::Module {
  struct Layer {
    torch::nn::Conv2d conv{nullptr};
    torch::nn::BatchNorm2d norm{nullptr};
    int64_t border = 0;
  };

  explicit StockHourglass(const dip::SkipSpec& spec) : spec_(spec) {
    for (int64_t i = 0; i < spec.levels(); ++i) {
      const auto at = static_cast<size_t>(i);
      skip_.push_back(layer(spec.seen(i), spec.skip[at], 1, 1));
      down_.push_back(layer(spec.seen(i), spec.down[at], 3, 2));
      second_.push_back(layer(spec.down[at], spec.down[at], 3, 1));
      const int64_t joint = spec.skip[at] + spec.enlarged(i);
      joint_.push_back(register_module(next_name(), torch::nn::BatchNorm2d(joint)));
      up_.push_back(layer(joint, spec.up[at], 3, 1));
      point_.push_back(layer(spec.up[at], spec.up[at], 1, 1));
    }
    last_ = register_module(next_name(), torch::nn::Conv2d(torch::nn::Conv2dOptions(spec.up[0], spec.outputs, 1)));
  }

  torch::Tensor forward(const torch::Tensor& noise) { return torch::sigmoid(last_->forward(level(0, noise))); }

 private:
  std::string next_name() { return fmt::format("m{:03}", made_++); }

  Layer layer(int64_t in, int64_t out, int64_t filter, int64_t stride) {
    Layer made;
    made.conv =
        register_module(next_name(), torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, filter).stride(stride)));
    made.norm = register_module(next_name(), torch::nn::BatchNorm2d(out));
    made.border = filter / 2;
    return made;
  }

  static torch::Tensor run(Layer& layer, const torch::Tensor& x) {
    const int64_t b = layer.border;
    const torch::Tensor padded = b > 0 ? torch::reflection_pad2d(x, {b, b, b, b}) : x;
    torch::Tensor y = layer.norm->forward(layer.conv->forward(padded));
    return torch::leaky_relu_(y, 0.2);
  }

  torch::Tensor level(size_t i, const torch::Tensor& input) {
    torch::Tensor deeper = run(second_[i], run(down_[i], input));
    if (i + 1 < down_.size()) deeper = level(i + 1, deeper);
    const std::vector<int64_t> size = {2 * deeper.size(2), 2 * deeper.size(3)};
    const torch::Tensor joint = torch::cat({run(skip_[i], input), torch::upsample_bilinear2d(deeper, size, false)}, 1);
    return run(point_[i], run(up_[i], joint_[i]->forward(joint)));
  }

  dip::SkipSpec spec_;
  int made_ = 0;
  std::vector<Layer> skip_, down_, second_, up_, point_;
  std::vector<torch::nn::BatchNorm2d> joint_;
  torch::nn::Conv2d last_{nullptr};
};

void copy_parameters(const torch::Tensor& flat, StockHourglass& stock) {
  const torch::NoGradGuard no_grad;
  int64_t offset = 0;
  for (torch::Tensor& parameter : stock.parameters()) {
    parameter.copy_(flat.narrow(0, offset, parameter.numel()).view(parameter.sizes()));
    offset += parameter.numel();
  }
}

}  // namespace

Race hourglass_race(int64_t side) {
  const dip::SkipSpec spec;
  Random random(1);
  const auto network = std::make_shared<dip::SkipNetwork>(spec, random);
  const auto stock = std::make_shared<StockHourglass>(spec);
  copy_parameters(network->parameters().detach(), *stock);
  const torch::Tensor noise = 0.1 * torch::rand({1, spec.inputs, side, side});
  const torch::Tensor target = torch::rand({1, 3, side, side});
  Race race{fmt::format("Step of Deep Image Prior (forward, MSE, backward, Adam), 5 x 128, {0} x {0}, median:", side),
            {},
            0.0};
  {
    const torch::NoGradGuard no_grad;
    const torch::Tensor want = stock->forward(noise);
    race.difference = ((network->forward(noise) - want).abs().max() / want.abs().max()).item<double>();
  }
  const auto flat_adam = std::make_shared<FlatAdam>(network->parameters().numel(), torch::kCPU, 0.9, 0.999);
  race.entrants.push_back({"zsr", [=] {
                             torch::Tensor parameters = network->parameters();
                             parameters.mutable_grad().reset();
                             (network->forward(noise) - target).square().mean().backward();
                             flat_adam->step(parameters.detach(), parameters.grad(), 0.01);
                           }});
  const auto adam = std::make_shared<torch::optim::Adam>(stock->parameters(), torch::optim::AdamOptions(0.01));
  race.entrants.push_back({"libtorch nchw", [=] {
                             adam->zero_grad();
                             torch::mse_loss(stock->forward(noise), target).backward();
                             adam->step();
                           }});
  return race;
}

}  // namespace zsr::bench
