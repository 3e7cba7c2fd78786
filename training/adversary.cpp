#include "training/adversary.h"

#include "core/error.h"
#include "training/judge_graph.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

constexpr double kLeak = 0.2;
// So that every convolution of a judge graph finds a whole window.
constexpr int64_t kLeastSide = 16;
constexpr int64_t kLeastStrided = 76;

// Of judgements to real (true) or made: squared distance, or cross entropy.
torch::Tensor distance(const std::string& loss, const torch::Tensor& judged, bool real) {
  if (loss == "ls") return (judged - (real ? 1.0 : 0.0)).square().mean();
  return torch::softplus(real ? -judged : judged).mean();
}

// How far `upper` is from being judged more real than the others' mean, and the others less.
torch::Tensor relativistic(const torch::Tensor& upper, const torch::Tensor& lower) {
  return 0.5 * (torch::softplus(lower.mean() - upper).mean() + torch::softplus(lower - upper.mean()).mean());
}

torch::Tensor doubled(const torch::Tensor& x) {
  return torch::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, false);
}

torch::Tensor leaky(const torch::Tensor& x) {
  return torch::leaky_relu(x, kLeak);
}

}  // namespace

void AdversaryOptions::validate() const {
  if (network != "unet" && network != "patch" && !is_judge_graph(network)) {
    throw OptionError(fmt::format("adversary = '{}', must be unet, patch, dsgan, cincgan or cincgan-strided", network));
  }
  if (loss != "vanilla" && loss != "ls" && loss != "relativistic") {
    throw OptionError(fmt::format("adversary's loss = '{}', must be vanilla, ls or relativistic", loss));
  }
  if (!(gain > 0.0 && gain <= 100.0)) {
    throw OptionError(fmt::format("adversary's gain = {:g}, must be > 0 and at most 100", gain));
  }
  if (!(momentum >= 0.0 && momentum < 1.0)) {
    throw OptionError(fmt::format("adversary's momentum = {:g}, must be in [0, 1)", momentum));
  }
  if (width < 1 || width > 256) throw OptionError(fmt::format("adversary's width = {}, must be 1 to 256", width));
  if (!(learning_rate > 0.0)) {
    throw OptionError(fmt::format("adversary's learning_rate = {:g}, must be > 0", learning_rate));
  }
}

void Adversary::add_layer(int64_t in, int64_t out, int64_t side, int64_t stride) {
  const int64_t offset =
      layers_.empty() ? 0
                      : layers_.back().offset +
                            layers_.back().out * (layers_.back().in * layers_.back().side * layers_.back().side + 1);
  layers_.push_back({in, out, side, stride, offset, {}, {}});
}

Adversary::Adversary(const AdversaryOptions& options, Random& random, torch::Device device)
    : options_(options), adam_(0, torch::kCPU, 0.9, 0.99) {
  options.validate();
  if (is_judge_graph(options.network)) {
    graph_ = std::make_unique<nn::Model>(judge_graph(options.network, options.width));
    values_ = nn::initial_values(graph_->graph(), random);
  } else {
    build_spectral(random);
  }
  values_ = values_.to(device).set_requires_grad(true);
  for (Layer& layer : layers_) {
    layer.left = layer.left.to(device);
    layer.right = layer.right.to(device);
  }
  adam_ = FlatAdam(values_.numel(), device, options.momentum, graph_ ? 0.999 : 0.99);
  constexpr int kFirstIterations = 10;
  for (int i = 0; i < kFirstIterations; ++i) iterate_powers();
}

void Adversary::build_spectral(Random& random) {
  const int64_t w = options_.width;
  if (options_.network == "unet") {
    add_layer(3, w, 3, 1);
    for (const int64_t wide : {1, 2, 4}) add_layer(wide * w, 2 * wide * w, 4, 2);
    for (const int64_t wide : {8, 4, 2}) add_layer(wide * w, wide / 2 * w, 3, 1);
    add_layer(w, w, 3, 1);
    add_layer(w, 1, 3, 1);
  } else {
    add_layer(3, w, 4, 2);
    add_layer(w, 2 * w, 4, 2);
    add_layer(2 * w, 4 * w, 4, 2);
    add_layer(4 * w, 8 * w, 3, 1);
    add_layer(8 * w, 1, 3, 1);
  }
  const Layer& last = layers_.back();
  values_ = torch::zeros({last.offset + last.out * (last.in * last.side * last.side + 1)});
  float* const values = values_.data_ptr<float>();
  const auto unit = [&](int64_t length) {
    torch::Tensor vector = torch::empty({length});
    for (int64_t i = 0; i < length; ++i) vector.data_ptr<float>()[i] = static_cast<float>(random.normal());
    return vector / vector.norm();
  };
  for (Layer& layer : layers_) {
    const int64_t columns = layer.in * layer.side * layer.side;
    const double sigma = std::sqrt(2.0 / static_cast<double>(columns));
    for (int64_t i = 0; i < layer.out * columns; ++i) {
      values[layer.offset + i] = static_cast<float>(sigma * random.normal());
    }
    layer.left = unit(layer.out);
    layer.right = unit(columns);
  }
}

void Adversary::iterate_powers() {
  const torch::NoGradGuard no_grad;
  for (Layer& layer : layers_) {
    const int64_t columns = layer.in * layer.side * layer.side;
    const torch::Tensor matrix = values_.narrow(0, layer.offset, layer.out * columns).view({layer.out, columns});
    layer.right = torch::mv(matrix.t(), layer.left);
    layer.right.div_(layer.right.norm() + 1e-12);
    layer.left = torch::mv(matrix, layer.right);
    layer.left.div_(layer.left.norm() + 1e-12);
  }
}

torch::Tensor Adversary::convolve(size_t index, const torch::Tensor& x) const {
  const Layer& layer = layers_[index];
  const int64_t columns = layer.in * layer.side * layer.side;
  const torch::Tensor matrix = values_.narrow(0, layer.offset, layer.out * columns).view({layer.out, columns});
  const torch::Tensor bias = values_.narrow(0, layer.offset + layer.out * columns, layer.out);
  const torch::Tensor sigma = torch::dot(layer.left, torch::mv(matrix, layer.right));
  const torch::Tensor weight = (matrix / sigma).view({layer.out, layer.in, layer.side, layer.side});
  return torch::conv2d(x, weight, bias, layer.stride, 1);
}

torch::Tensor Adversary::judge_unet(const torch::Tensor& image) const {
  const torch::Tensor x0 = leaky(convolve(0, image));
  const torch::Tensor x1 = leaky(convolve(1, x0));
  const torch::Tensor x2 = leaky(convolve(2, x1));
  const torch::Tensor x3 = leaky(convolve(3, x2));
  const torch::Tensor y2 = leaky(convolve(4, doubled(x3))) + x2;
  const torch::Tensor y1 = leaky(convolve(5, doubled(y2))) + x1;
  const torch::Tensor y0 = leaky(convolve(6, doubled(y1))) + x0;
  return convolve(8, leaky(convolve(7, y0)));
}

torch::Tensor Adversary::judge_patch(const torch::Tensor& image) const {
  torch::Tensor x = image;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) x = leaky(convolve(i, x));
  return convolve(layers_.size() - 1, x);
}

torch::Tensor Adversary::judge(const torch::Tensor& given, bool training) const {
  const torch::Tensor image = options_.gain == 1.0 ? given : 0.5 + options_.gain * (given - 0.5);
  if (graph_) {
    const int64_t least = options_.network == "cincgan-strided" ? kLeastStrided : kLeastSide;
    if (std::min(image.size(2), image.size(3)) < least) {
      throw OptionError(fmt::format("judge '{}' needs images of at least {} pixels a side, not {}x{}", options_.network,
                                    least, image.size(3), image.size(2)));
    }
    return graph_->forward({image}, values_, 0, training);
  }
  // Three halvings come out even.
  const int64_t height = image.size(2) / 8 * 8;
  const int64_t width = image.size(3) / 8 * 8;
  const torch::Tensor whole = image.slice(2, 0, height).slice(3, 0, width);
  return options_.network == "unet" ? judge_unet(whole) : judge_patch(whole);
}

torch::Tensor Adversary::loss_of(const torch::Tensor& made, const torch::Tensor& real) const {
  const torch::Tensor judged = judge(made, true);
  if (options_.loss != "relativistic") return distance(options_.loss, judged, true);
  if (!real.defined()) throw OptionError("a relativistic adversary needs a real image to compare with");
  return relativistic(judged, judge(real, true).detach());
}

torch::Tensor Adversary::gradient(const torch::Tensor& made, const torch::Tensor& real, double& value) {
  iterate_powers();
  values_.mutable_grad().reset();
  const torch::Tensor of_made = judge(made.detach(), true);
  const torch::Tensor of_real = judge(real, true);
  const torch::Tensor loss =
      options_.loss == "relativistic"
          ? relativistic(of_real, of_made)
          : 0.5 * (distance(options_.loss, of_made, false) + distance(options_.loss, of_real, true));
  loss.backward();
  value = loss.item<double>();
  return values_.grad();
}

void Adversary::step(const torch::Tensor& gradient, double rate_share) {
  const torch::NoGradGuard no_grad;
  adam_.step(values_.detach(), gradient, rate_share * options_.learning_rate);
}

std::vector<NamedTensor> Adversary::state(const std::string& prefix) const {
  std::vector<NamedTensor> all = adam_.state(prefix + "adam.");
  all.push_back({prefix + "values", values_.detach().to(torch::kCPU).clone()});
  for (size_t i = 0; i < layers_.size(); ++i) {
    all.push_back({fmt::format("{}left.{}", prefix, i), layers_[i].left.to(torch::kCPU).clone()});
    all.push_back({fmt::format("{}right.{}", prefix, i), layers_[i].right.to(torch::kCPU).clone()});
  }
  return all;
}

void Adversary::load_state(const WeightsFile& file, const std::string& prefix) {
  const torch::NoGradGuard no_grad;
  adam_.load_state(file, prefix + "adam.");
  values_.detach().copy_(file.take(prefix + "values", values_.sizes()));
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].left.copy_(file.take(fmt::format("{}left.{}", prefix, i), layers_[i].left.sizes()));
    layers_[i].right.copy_(file.take(fmt::format("{}right.{}", prefix, i), layers_[i].right.sizes()));
  }
}

}  // namespace zsr::training
