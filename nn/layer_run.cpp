#include "nn/layer_run.h"

namespace zsr::nn {

using blocked::Finish;
using blocked::Image;
using blocked::Layers;
using Kind = PlannedLayer::Kind;

std::vector<Image> images_of(Layers& layers, const std::vector<Part>& parts, const ImageOfNode& value) {
  std::vector<Image> images;
  for (const Part& part : parts) {
    const Image whole = value(part.node);
    if (part.first == 0 && part.channels == whole.shape.channels) {
      images.push_back(whole);
    } else if (part.first % winograd::kBlock == 0) {
      images.push_back(whole.channels(part.first, part.channels));
    } else {
      const Image copy = layers.pool().take(whole.shape.batch, part.channels, whole.shape.height, whole.shape.width);
      blocked::copy_channels(whole, part.first, part.channels, copy, 0);
      images.push_back(copy);
    }
  }
  return images;
}

Image run_layer(Layers& layers, const PlannedLayer& layer, const LayerTensors& own, const ImageOfNode& value,
                const Image& to) {
  const std::vector<Image> from = images_of(layers, layer.from, value);
  if (layer.kind == Kind::kMean) return layers.mean(from);
  if (layer.kind == Kind::kDeviation) return layers.deviation(from);
  Finish finish;
  finish.bias = own.bias;
  if (!layer.shift.empty()) finish.bias = torch::tensor(layer.shift);
  if (!layer.add.empty()) finish.add = layers.one(images_of(layers, layer.add, value));
  finish.relu = layer.relu;
  finish.slope = own.slope;
  if (layer.leak) finish.slope = torch::full({layer.channels}, *layer.leak);
  finish.bend = layer.bend;
  if (!layer.times.empty()) {
    const Image times = layers.one(images_of(layers, layer.times, value));
    if (layer.times_pixel) {
      finish.gain = times.pixel();
    } else {
      finish.times = times;
    }
  }
  if (layer.factor != 1.0) finish.gain = torch::full({layer.channels}, layer.factor);
  finish.shuffle = layer.shuffle;
  switch (layer.kind) {
    case Kind::kConvolve:
      return layers.convolve(from, own.weight, finish, to);
    case Kind::kMix:
      return layers.mix(from, own.weight, finish, to);
    case Kind::kHalve:
      return layers.halve(from, own.weight, finish, to);
    case Kind::kTwice:
      return layers.twice(from, own.weight, finish, to);
    case Kind::kFilter:
      return layers.filter(layers.one(from), own.weight, layer.dilation, finish, to);
    default:
      return layers.finish(from, finish, to);
  }
}

}  // namespace zsr::nn
