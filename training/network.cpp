#include "training/network.h"

#include "image/color.h"
#include "image/resize.h"
#include "networks/pixel_recursive.h"
#include "nn/parameter_file.h"
#include "training/first_weights.h"
#include "training/patches.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::training {

Network::Network(const networks::Kind& kind, networks::Config config, Random& random)
    : kind_(&kind), config_(std::move(config)), model_(kind.graph(config_)) {
  parameters_ = nn::initial_values(model_.graph(), random);
  if (is_plain_chain(model_.graph())) begin_as_bilinear(model_.graph(), parameters_, config_.scales[0]);
  parameters_.set_requires_grad(true);
}

int64_t Network::condition_maps() const {
  if (condition() == Condition::kKernel) return 1;  // noise; the kernels are an input of their own
  if (pixel_by_pixel()) return 0;                   // the pixels before are no maps
  return kind_->traits.channels == 1 ? 0 : model_.graph().nodes().front().channels - 3;
}

void Network::move_to(torch::Device device) {
  parameters_ = parameters_.detach().to(device).set_requires_grad(true);
}

std::pair<std::vector<torch::Tensor>, int64_t> Network::graph_inputs(const torch::Tensor& given, torch::Device device,
                                                                     int64_t scale,
                                                                     const torch::Tensor& kernels) const {
  const networks::Traits& traits = kind_->traits;
  const torch::Tensor input = given.to(device);
  const int64_t factor = scale == 0 ? config_.scales[0] : scale;
  if (condition() == Condition::kKernel) {
    const torch::Tensor noise = input.slice(1, 3, 4).slice(2, 0, 1).slice(3, 0, 1);
    const torch::Tensor known = torch::cat({noise, torch::full_like(noise, static_cast<double>(factor))}, 1);
    return {{input.slice(1, 0, 3).contiguous(), kernels.to(device), known}, factor};
  }
  torch::Tensor image = input;
  if (traits.channels == 1) image = rgb_to_ycbcr(input.slice(1, 0, 3)).slice(1, 0, 1).contiguous();
  if (!traits.takes_enlarged) return {{image}, factor};
  const auto s = static_cast<double>(factor);
  return {{imresize(image.to(torch::kCPU), {s, s}).to(device)}, 1};
}

torch::Tensor Network::forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale,
                               bool training, const torch::Tensor& kernels) const {
  const auto [images, at] = graph_inputs(input, parameters.device(), scale, kernels);
  return model_.forward(images, parameters, at, training);
}

Network::Results Network::forward_all(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale,
                                      bool training, const torch::Tensor& kernels) const {
  const auto [images, at] = graph_inputs(input, parameters.device(), scale, kernels);
  const std::vector<torch::Tensor> made = model_.forward_all(images, parameters, at, training);
  const auto known = model_.graph().intermediates_at(at);
  Results results{made.front(), {}};
  for (size_t i = 0; i < known.size(); ++i) {
    results.on_the_way.push_back(
        {made[i + 1], static_cast<double>(known[i].own_scale) / static_cast<double>(known[i].scale)});
  }
  return results;
}

bool Network::has_intermediates() const {
  const std::vector<int64_t> scales = model_.graph().scales();
  return std::any_of(scales.begin(), scales.end(),
                     [&](int64_t scale) { return !model_.graph().intermediates_at(scale).empty(); });
}

Network::LevelEntropy Network::level_entropy(const torch::Tensor& lr, const torch::Tensor& hr,
                                             const torch::Tensor& parameters, bool training) const {
  const torch::Tensor input = networks::recursive_input(lr, hr).to(parameters.device());
  const networks::LevelLogits logits(model_.forward({input}, parameters, config_.scales[0], training));
  return {networks::level_entropy(logits.both, hr), networks::level_entropy(logits.conditioning, hr)};
}

torch::Tensor Network::target(const torch::Tensor& hr) const {
  const torch::Tensor here = hr.to(device());
  return kind_->traits.channels == 1 ? rgb_to_ycbcr(here).slice(1, 0, 1).contiguous() : here;
}

WeightsFile Network::weights(const torch::Tensor& values) const {
  WeightsFile file = nn::to_weights(model_.graph(), values.to(torch::kCPU));
  // Whoever runs the file needs the basis of the kernel codes.
  if (condition() == Condition::kSrmd) file.tensors.push_back({"pca", srmd_basis().basis().to(torch::kFloat32)});
  file.metadata = config_.to_metadata(kind_->name);
  if (config_.scales.size() == 1) file.metadata["scale"] = std::to_string(config_.scales[0]);
  return file;
}

void Network::load(const WeightsFile& file) {
  const torch::NoGradGuard no_grad;
  parameters_.copy_(nn::take_parameters(model_.graph(), file, kind_->title, kind_->ignored));
}

void Network::begin_with(const WeightsFile& given) {
  const torch::NoGradGuard no_grad;
  const auto depth = config_.numbers().find("depth");
  const WeightsFile file = depth == config_.numbers().end() ? given : extended_to_depth(given, config_.whole("depth"));
  take_shared(model_.graph(), file, parameters_);
}

}  // namespace zsr::training
