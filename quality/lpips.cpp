#include "quality/lpips.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr {
namespace {

// One convolution: its number in torchvision's `features`, channels, and what stands around it.
struct Shape {
  int64_t number, out, in, side, stride, padding;
  int64_t pool = 0;
  bool compared = true;
};

// torchvision's AlexNet; every activation is compared.
const std::vector<Shape> kAlex = {
    {0, 64, 3, 11, 4, 2, 0, true},   {3, 192, 64, 5, 1, 2, 3, true},   {6, 384, 192, 3, 1, 1, 3, true},
    {8, 256, 384, 3, 1, 1, 0, true}, {10, 256, 256, 3, 1, 1, 0, true},
};
// torchvision's VGG-16 up to conv5_3; the last activation of every block is compared.
const std::vector<Shape> kVgg = {
    {0, 64, 3, 3, 1, 1, 0, false},    {2, 64, 64, 3, 1, 1, 0, true},     {5, 128, 64, 3, 1, 1, 2, false},
    {7, 128, 128, 3, 1, 1, 0, true},  {10, 256, 128, 3, 1, 1, 2, false}, {12, 256, 256, 3, 1, 1, 0, false},
    {14, 256, 256, 3, 1, 1, 0, true}, {17, 512, 256, 3, 1, 1, 2, false}, {19, 512, 512, 3, 1, 1, 0, false},
    {21, 512, 512, 3, 1, 1, 0, true}, {24, 512, 512, 3, 1, 1, 2, false}, {26, 512, 512, 3, 1, 1, 0, false},
    {28, 512, 512, 3, 1, 1, 0, true},
};

// The authors' scaling of images in [-1, 1], here of images in [0, 1].
torch::Tensor scaled(const torch::Tensor& image) {
  const torch::Tensor mean = torch::tensor({-0.030F, -0.088F, -0.188F}).view({1, 3, 1, 1});
  const torch::Tensor deviation = torch::tensor({0.458F, 0.448F, 0.450F}).view({1, 3, 1, 1});
  const torch::Tensor color = image.to(torch::kCPU, torch::kFloat32).expand({1, 3, image.size(2), image.size(3)});
  return (2.0 * color - 1.0 - mean) / deviation;
}

// Of length one at every pixel.
torch::Tensor unit(const torch::Tensor& features) {
  return features / (features.square().sum(1, true).sqrt() + 1e-10);
}

}  // namespace

Lpips::Lpips(const WeightsFile& backbone, const WeightsFile& heads) {
  const torch::Tensor* const first = backbone.find("features.0.weight");
  if (first == nullptr || first->dim() != 4) {
    throw InputError(
        fmt::format("'{}' is no AlexNet or VGG-16 of torchvision: it lacks features.0.weight", backbone.origin));
  }
  const bool alex = first->size(2) == 11;
  name_ = alex ? "alex" : "vgg";
  int64_t compared = 0;
  for (const Shape& shape : alex ? kAlex : kVgg) {
    const std::string name = fmt::format("features.{}.", shape.number);
    Layer layer{backbone.take(name + "weight", {shape.out, shape.in, shape.side, shape.side}),
                backbone.take(name + "bias", {shape.out}),
                shape.stride,
                shape.padding,
                shape.pool,
                {}};
    if (shape.compared) {
      layer.head =
          heads.take(fmt::format("lin{}.model.1.weight", compared++), {1, shape.out, 1, 1}).view({1, -1, 1, 1});
    }
    layers_.push_back(layer);
  }
}

double Lpips::distance(const torch::Tensor& a, const torch::Tensor& b) const {
  const torch::NoGradGuard no_grad;
  if (a.size(2) != b.size(2) || a.size(3) != b.size(3)) {
    throw InputError(fmt::format("LPIPS compares images of one size, not {}x{} and {}x{}", a.size(3), a.size(2),
                                 b.size(3), b.size(2)));
  }
  const int64_t least = name_ == "alex" ? 31 : 16;
  if (std::min(a.size(2), a.size(3)) < least) {
    throw InputError(fmt::format("LPIPS needs images of at least {} pixels a side", least));
  }
  torch::Tensor x = scaled(a);
  torch::Tensor y = scaled(b);
  double sum = 0.0;
  for (const Layer& layer : layers_) {
    for (torch::Tensor* image : {&x, &y}) {
      if (layer.pool > 0) *image = torch::max_pool2d(*image, layer.pool, 2);
      *image = torch::relu(torch::conv2d(*image, layer.weight, layer.bias, layer.stride, layer.padding));
    }
    if (!layer.head.defined()) continue;
    sum += ((unit(x) - unit(y)).square() * layer.head).sum(1).mean().item<double>();
  }
  return sum;
}

}  // namespace zsr
