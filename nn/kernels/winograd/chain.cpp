#include "nn/kernels/winograd/chain.h"

#include "nn/kernels/winograd/layout.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::winograd {
namespace {

torch::Tensor in_blocks(const torch::Tensor& values, int64_t blocks) {
  if (!values.defined()) return {};
  return torch::constant_pad_nd(values, {0, blocks * kBlock - values.size(0)}).contiguous();
}

// Channel c s^2 + place, as torch::pixel_shuffle has it, against place C + c, as Epilogue::shuffle has it: with that
// the channels of one pixel of the larger image are neighbours.
torch::Tensor pixel_major(const torch::Tensor& values, int64_t s) {
  if (s == 1 || !values.defined()) return values;
  return values.unflatten(0, {-1, s * s}).transpose(0, 1).flatten(0, 1).contiguous();
}
torch::Tensor channel_major(const torch::Tensor& values, int64_t s) {
  return values.unflatten(0, {s * s, -1}).transpose(0, 1).flatten(0, 1);
}

}  // namespace

Chain::Chain(std::vector<ConvLayer> layers, const Kernels& kernels) : layers_(std::move(layers)), convolver_(kernels) {
  enlargement_.push_back(1);
  for (const ConvLayer& layer : layers_) enlargement_.push_back(enlargement_.back() * layer.shuffle);
  for (size_t i = 0; i <= layers_.size(); ++i) last_use_.push_back(i);
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].add >= 0) last_use_[static_cast<size_t>(layers_[i].add)] = i;
  }
}

Chain::~Chain() = default;

ImageShape Chain::shape_of(size_t image) const {
  const int64_t channels = image == 0 ? layers_[0].in_channels : layers_[image - 1].image_channels();
  return {batch_, channels, height_ * enlargement_[image], width_ * enlargement_[image]};
}

ImageShape Chain::convolved_shape(size_t layer) const {
  return {batch_, layers_[layer].out_channels, height_ * enlargement_[layer], width_ * enlargement_[layer]};
}

void Chain::set_input(int64_t batch, int64_t height, int64_t width) {
  if (batch_ == batch && height_ == height && width_ == width) return;
  batch_ = batch;
  height_ = height;
  width_ = width;
  pool_.clear();
}

std::shared_ptr<Chain::Image> Chain::free_image(const ImageShape& shape) {
  for (const auto& image : pool_) {
    if (image.use_count() == 1 && image->shape == shape) return image;
  }
  pool_.push_back(std::make_shared<Image>(Image{torch::zeros({shape.size()}, torch::kFloat32), shape}));
  return pool_.back();
}

void Chain::forward_layer(size_t layer, const LayerTensors& parameters, const float* from, const float* add,
                          float* to) {
  const ConvLayer& now = layers_[layer];
  const ImageShape shape = convolved_shape(layer);
  const torch::Tensor bias = in_blocks(pixel_major(parameters.bias, now.shuffle), shape.blocks());
  const torch::Tensor slope = in_blocks(pixel_major(parameters.slope, now.shuffle), shape.blocks());
  const auto values = [](const torch::Tensor& t) { return t.defined() ? t.data_ptr<float>() : nullptr; };
  convolver_.convolve(from, shape_of(layer), pixel_major(parameters.weight, now.shuffle), false, to, shape,
                      {values(bias), add, now.relu, values(slope), nullptr, now.shuffle});
}

torch::Tensor Chain::infer(const torch::Tensor& input, const std::vector<LayerTensors>& parameters) {
  const torch::NoGradGuard no_grad;
  set_input(input.size(0), input.size(2), input.size(3));
  std::vector<std::shared_ptr<Image>> images(layers_.size() + 1);
  images[0] = free_image(shape_of(0));
  to_blocked(input, images[0]->values(), shape_of(0));
  for (size_t i = 0; i < layers_.size(); ++i) {
    images[i + 1] = free_image(shape_of(i + 1));
    const float* const add = layers_[i].add < 0 ? nullptr : images[static_cast<size_t>(layers_[i].add)]->values();
    forward_layer(i, parameters[i], images[i]->values(), add, images[i + 1]->values());
    for (size_t used = 0; used <= i; ++used) {
      if (last_use_[used] <= i) images[used].reset();
    }
  }
  return from_blocked(images.back()->values(), shape_of(layers_.size()));
}

std::shared_ptr<Chain::Activations> Chain::take_activations() {
  for (auto& candidate : spare_) {
    if (candidate->batch == batch_ && candidate->height == height_ && candidate->width == width_) {
      auto found = std::move(candidate);
      candidate = std::move(spare_.back());
      spare_.pop_back();
      return found;
    }
  }
  auto fresh = std::make_shared<Activations>();
  fresh->batch = batch_;
  fresh->height = height_;
  fresh->width = width_;
  for (size_t i = 0; i <= layers_.size(); ++i) {
    fresh->images.push_back(torch::zeros({shape_of(i).size()}, torch::kFloat32));
  }
  return fresh;
}

torch::Tensor Chain::forward(const torch::Tensor& input, const std::vector<LayerTensors>& parameters,
                             std::shared_ptr<Activations>& activations) {
  const torch::NoGradGuard no_grad;
  set_input(input.size(0), input.size(2), input.size(3));
  activations = take_activations();
  auto& images = activations->images;
  to_blocked(input, images[0].data_ptr<float>(), shape_of(0));
  for (size_t i = 0; i < layers_.size(); ++i) {
    const float* const add =
        layers_[i].add < 0 ? nullptr : images[static_cast<size_t>(layers_[i].add)].data_ptr<float>();
    forward_layer(i, parameters[i], images[i].data_ptr<float>(), add, images[i + 1].data_ptr<float>());
  }
  return from_blocked(images.back().data_ptr<float>(), shape_of(layers_.size()));
}

torch::Tensor Chain::backward(const torch::Tensor& gradient, const std::vector<LayerTensors>& parameters,
                              const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                              std::vector<LayerTensors>& gradients) {
  const torch::NoGradGuard no_grad;
  set_input(activations->batch, activations->height, activations->width);
  const auto& images = activations->images;
  // What sums have sent down to each image; shared with where it came from until a second one arrives.
  std::vector<std::shared_ptr<Image>> sent(layers_.size() + 1);
  const auto send = [&](size_t image, const std::shared_ptr<Image>& what) {
    if (sent[image] == nullptr) {
      sent[image] = what;
      return;
    }
    const auto sum = free_image(what->shape);
    add_images(sent[image]->values(), what->values(), sum->values(), what->shape.size());
    sent[image] = sum;
  };
  std::shared_ptr<Image> current = free_image(shape_of(layers_.size()));
  to_blocked(gradient.contiguous(), current->values(), current->shape);
  if (layers_.back().relu) close(current->values(), images.back().data_ptr<float>(), current->shape.size());
  torch::Tensor result;
  for (size_t i = layers_.size(); i-- > 0;) {
    const ConvLayer& layer = layers_[i];
    if (layer.add >= 0) send(static_cast<size_t>(layer.add), current);
    const ImageShape shape = convolved_shape(i);
    if (layer.shuffle > 1) {
      const auto apart = free_image(shape);
      unshuffle(current->values(), apart->values(), shape, layer.shuffle);
      current = apart;
    }
    const ImageShape below = shape_of(i);
    const float* const image = images[i].data_ptr<float>();
    const torch::Tensor weight = pixel_major(parameters[i].weight, layer.shuffle);
    LayerTensors& to = gradients[i];
    if (layer.shuffle == 1) {
      convolver_.accumulate_gradients(image, below, current->values(), shape, to.weight,
                                      layer.bias ? &to.bias : nullptr);
    } else {
      torch::Tensor weight_gradient = torch::empty_like(weight);
      torch::Tensor bias_gradient = torch::empty({layer.out_channels}, torch::kFloat32);
      convolver_.accumulate_gradients(image, below, current->values(), shape, weight_gradient, &bias_gradient);
      to.weight.copy_(channel_major(weight_gradient, layer.shuffle));
      if (layer.bias) to.bias.copy_(channel_major(bias_gradient, layer.shuffle));
    }
    if (i == 0 && !needs_input_gradient) break;
    const auto next = free_image(below);
    convolver_.convolve(current->values(), shape, weight, true, next->values(), below,
                        {nullptr, sent[i] ? sent[i]->values() : nullptr, false, nullptr,
                         i > 0 && layers_[i - 1].relu ? image : nullptr, 1});
    sent[i].reset();
    current = next;
    if (i == 0) result = from_blocked(current->values(), below);
  }
  spare_.push_back(activations);
  if (spare_.size() > 2) spare_.erase(spare_.begin());
  return result;
}

}  // namespace zsr::winograd
