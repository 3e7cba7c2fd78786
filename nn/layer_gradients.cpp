#include "nn/layer_run.h"

namespace zsr::nn {

using blocked::Finish;
using blocked::Image;
using blocked::Layers;
using Kind = PlannedLayer::Kind;

LayerGradients::LayerGradients(Layers& layers, std::vector<const PlanStep*> steps, const std::vector<LayerTensors>& own,
                               const std::map<int32_t, Image>& values, const std::vector<int32_t>& needed)
    : layers_(layers), steps_(std::move(steps)), own_(own), values_(values) {
  value_ = [this](int32_t node) { return values_.at(node); };
  for (const int32_t node : needed) slots_[node];
  for (const PlanStep* const step : steps_) {
    slots_[step->result];
    made_by_[step->result] = &*step->layer;
    for (const auto* const parts : {&step->layer->from, &step->layer->add, &step->layer->times}) {
      for (const Part& part : *parts) ++uses_[part.node];
    }
  }
}

void LayerGradients::give(int32_t node, const Image& gradient) {
  slots_.at(node).image = gradient;
}

Image LayerGradients::of(int32_t node) const {
  const Image& image = slots_.at(node).image;
  return image.defined() && image.shape.whole != 0 ? layers_.finish({image}, {}) : image;
}

bool LayerGradients::is_whole(const Part& part) const {
  return part.first == 0 && part.channels == values_.at(part.node).shape.channels;
}

// body(finish, to) writes one more gradient of those channels, on top of the earlier ones.
template <typename Body>
void LayerGradients::add(const Part& part, const Body& body) {
  const bool last = --uses_[part.node] == 0;
  const auto found = slots_.find(part.node);
  if (found == slots_.end()) return;
  Slot& slot = found->second;
  const Image& value = values_.at(part.node);
  Finish finish;
  if (is_whole(part)) {
    const Image to = slot.owned ? slot.image : layers_.pool().take(value.shape);
    finish.add = slot.image;
    const auto maker = made_by_.find(part.node);
    if (last && maker != made_by_.end() && (maker->second->relu || maker->second->leak)) {
      finish.mask = value;
      finish.leak = static_cast<float>(maker->second->leak.value_or(0.0));
      slot.closed = true;
    }
    body(finish, to);
    slot.image = to;
  } else {
    if (!slot.owned) {
      const Image whole = layers_.pool().take(value.shape);
      if (slot.image.defined()) {
        layers_.finish({slot.image}, {}, whole);
      } else {
        whole.data.zero_();
      }
      slot.image = whole;
    }
    const Image own = slot.image.channels(part.first, part.channels);
    finish.add = own;
    body(finish, own);
  }
  slot.owned = true;
}

// A gradient that is there already.
void LayerGradients::share(const Part& part, const Image& gradient) {
  const auto found = slots_.find(part.node);
  if (found != slots_.end() && is_whole(part) && !found->second.image.defined()) {
    found->second.image = gradient;
    --uses_[part.node];
    return;
  }
  add(part, [&](const Finish& finish, const Image& to) { layers_.finish({gradient}, finish, to); });
}

void LayerGradients::share(const std::vector<Part>& parts, const Image& gradient) {
  int64_t first = 0;
  for (const Part& part : parts) {
    share(part, parts.size() == 1 ? gradient : gradient.channels(first, part.channels));
    first += part.channels;
  }
}

// The gradient before the activation of the layer that made the node.
Image LayerGradients::closed(int32_t node, const PlannedLayer& layer) {
  Slot& slot = slots_.at(node);
  if (slot.closed || !(layer.relu || layer.leak)) return slot.image;
  Finish finish;
  finish.mask = values_.at(node);
  finish.leak = static_cast<float>(layer.leak.value_or(0.0));
  return layers_.finish({slot.image}, finish);
}

std::vector<LayerTensors> LayerGradients::run() {
  std::vector<LayerTensors> gradients(steps_.size());
  for (size_t i = steps_.size(); i-- > 0;) {
    const int32_t node = steps_[i]->result;
    const PlannedLayer& layer = *steps_[i]->layer;
    if (!slots_.at(node).image.defined()) continue;
    const Image gradient = closed(node, layer);
    slots_.at(node) = {};
    back(layer, own_[i], node, gradient, gradients[i]);
  }
  return gradients;
}

void LayerGradients::back(const PlannedLayer& layer, const LayerTensors& own, int32_t result, Image gradient,
                          LayerTensors& to) {
  if (!layer.add.empty()) share(layer.add, gradient);
  switch (layer.kind) {
    case Kind::kMean:
    case Kind::kDeviation:
      return pool_back(layer, result, gradient);
    case Kind::kFinish:
      return finish_back(layer, own, gradient, to);
    default:
      if (layer.shuffle > 1) gradient = layers_.unshuffled(gradient, layer.shuffle);
      return convolution_back(layer, own, gradient, to);
  }
}

void LayerGradients::convolution_back(const PlannedLayer& layer, const LayerTensors& own, const Image& gradient,
                                      LayerTensors& to) {
  const std::vector<Image> from = images_of(layers_, layer.from, value_);
  torch::Tensor weight = own.weight;
  if (own.bias.defined()) to.bias = blocked::by_channels(layers_.sums(gradient), layer.shuffle);
  if (layer.kind == Kind::kFilter) {
    to.weight = layers_.filter_gradient(layers_.one(from), gradient, weight.size(-1), layer.dilation);
  } else if (layer.kind == Kind::kMix) {
    to.weight = layers_.mix_gradient(from, gradient);
  } else {
    to.weight = blocked::by_channels(layers_.convolve_gradient(from, gradient), layer.shuffle);
    weight = blocked::by_places(weight.detach(), layer.shuffle);
  }
  if (layer.kind == Kind::kFilter && from.size() > 1) {
    const Image all = layers_.pool().take(gradient.shape);
    return share(layer.from, layers_.filter_back(gradient, weight, layer.dilation, {}, all));
  }
  int64_t first = 0;
  for (const Part& part : layer.from) {
    add(part, [&](const Finish& finish, const Image& image) {
      if (layer.kind == Kind::kFilter) {
        layers_.filter_back(gradient, weight, layer.dilation, finish, image);
        return;
      }
      const torch::Tensor own_weight = weight.narrow(1, first, part.channels);
      if (layer.kind == Kind::kMix) {
        layers_.mix_back(gradient, own_weight, finish, image);
      } else {
        layers_.convolve_back(gradient, own_weight, finish, image);
      }
    });
    first += part.channels;
  }
}

void LayerGradients::finish_back(const PlannedLayer& layer, const LayerTensors& own, const Image& gradient,
                                 LayerTensors& to) {
  if (!layer.times.empty()) return product_back(layer, gradient);
  if (layer.bend != winograd::Bend::kNone || own.slope.defined()) {
    const Image x = layers_.one(images_of(layers_, layer.from, value_));
    if (own.slope.defined()) {
      const Image positive = layers_.bend_back(x, gradient, layer.bend, torch::zeros_like(own.slope));
      to.slope = (layers_.sums_each(gradient, x) - layers_.sums_each(positive, x)).sum(0);
    }
    return share(layer.from, layers_.bend_back(x, gradient, layer.bend, own.slope));
  }
  if (layer.factor == 1.0) return share(layer.from, gradient);
  Finish finish;
  finish.gain = torch::full({layer.channels}, layer.factor);
  share(layer.from, layers_.finish({gradient}, finish));
}

void LayerGradients::product_back(const PlannedLayer& layer, const Image& gradient) {
  const Image a = layers_.one(images_of(layers_, layer.from, value_));
  const Image b = layers_.one(images_of(layers_, layer.times, value_));
  Finish of_a;
  if (layer.times_pixel) {
    of_a.gain = b.pixel();
    share(layer.times, layers_.of_pixel(layers_.sums_each(gradient, a)));
  } else {
    of_a.times = b;
    Finish of_b;
    of_b.times = a;
    share(layer.times, layers_.finish({gradient}, of_b));
  }
  share(layer.from, layers_.finish({gradient}, of_a));
}

void LayerGradients::pool_back(const PlannedLayer& layer, int32_t result, const Image& gradient) {
  const torch::Tensor all = gradient.pixel();
  const torch::Tensor made = values_.at(result).pixel();
  int64_t first = 0;
  for (const Part& part : layer.from) {
    const Image x = images_of(layers_, {part}, value_).front();
    const auto pixels = static_cast<double>(x.shape.height * x.shape.width);
    const torch::Tensor each = all.narrow(1, first, part.channels) / pixels;
    torch::Tensor factor = torch::zeros_like(each);
    torch::Tensor shift = each;
    if (layer.kind == Kind::kDeviation) {
      const torch::Tensor deviation = made.narrow(1, first, part.channels);
      factor = torch::where(deviation > 0, each / deviation, factor);  // of a constant image: none
      shift = -factor * layers_.sums_each(x) / pixels;
    }
    share(part, layers_.affine(x, factor, shift));
    first += part.channels;
  }
}

}  // namespace zsr::nn
