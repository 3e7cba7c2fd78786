#include "nn/operations.h"

#include "core/error.h"
#include "nn/operation_parts.h"
#include "nn/window_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::nn {
namespace {

torch::Tensor run(const Convolution& conv, const torch::Tensor& x, const std::vector<torch::Tensor>& p) {
  const torch::Tensor bias = conv.bias ? p[1] : torch::Tensor();
  if (conv.transposed) {
    return torch::conv_transpose2d(x, p[0], bias, conv.stride, conv.padding, conv.output_padding, conv.groups,
                                   conv.dilation);
  }
  return torch::conv2d(x, p[0], bias, conv.stride, conv.padding, conv.dilation, conv.groups);
}

// Row `r` has the weights of pixels -2 to 2 around pixel i for output pixel factor * i + r.
torch::Tensor imresize_taps(int64_t factor) {
  torch::Tensor taps = torch::zeros({factor, 5}, torch::kFloat64);
  for (int64_t r = 0; r < factor; ++r) {
    const double place = (static_cast<double>(r) + 0.5) / static_cast<double>(factor) - 0.5;
    for (int64_t k = -2; k <= 2; ++k) {
      const double t = std::abs(place - static_cast<double>(k));
      const double near = (1.5 * t - 2.5) * t * t + 1.0;
      const double far = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0;
      taps[r][k + 2] = t <= 1.0 ? near : t < 2.0 ? far : 0.0;
    }
  }
  return taps;
}

// Two more pixels on both sides along `dim`, mirrored with the edge pixel.
torch::Tensor mirrored(const torch::Tensor& x, int64_t dim) {
  const int64_t length = x.size(dim);
  std::vector<int64_t> places;
  for (int64_t i = -2; i < length + 2; ++i) {
    const int64_t turned = ((i % (2 * length)) + 2 * length) % (2 * length);
    places.push_back(std::min(turned, 2 * length - 1 - turned));
  }
  return x.index_select(dim, torch::tensor(places, torch::kInt64).to(x.device()));
}

torch::Tensor enlarged_as_imresize(const torch::Tensor& x, int64_t factor) {
  const torch::Tensor weight = imresize_kernels(factor).to(x.options());
  const torch::Tensor around = mirrored(mirrored(x, 2), 3);
  const torch::Tensor made = torch::pixel_shuffle(torch::conv2d(around.flatten(0, 1).unsqueeze(1), weight), factor);
  return made.view({x.size(0), x.size(1), x.size(2) * factor, x.size(3) * factor});
}

torch::Tensor run(const Resize& op, const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor& x = inputs[0];
  if (op.method == Interpolation::kImresize) return enlarged_as_imresize(x, op.factor);
  if (op.method == Interpolation::kNearest && inputs.size() == 1) {
    return x.repeat_interleave(op.factor, 2).repeat_interleave(op.factor, 3);
  }
  const std::vector<int64_t> size = inputs.size() > 1
                                        ? std::vector<int64_t>{inputs[1].size(2), inputs[1].size(3)}
                                        : std::vector<int64_t>{x.size(2) * op.factor, x.size(3) * op.factor};
  switch (op.method) {
    case Interpolation::kNearest:
      return torch::upsample_nearest2d(x, size);
    case Interpolation::kBilinear:
      return torch::upsample_bilinear2d(x, size, /*align_corners=*/false);
    case Interpolation::kBicubic:
      return torch::upsample_bicubic2d(x, size, /*align_corners=*/false);
    case Interpolation::kImresize:
      break;
  }
  return x;
}

torch::Tensor run(const Pool& op, const torch::Tensor& x) {
  if (op.side == 0) {
    if (op.kind == Pooling::kMax) return x.amax({2, 3}, true);
    if (op.kind == Pooling::kNorm) return x.square().sum({2, 3}, true).sqrt();
    const torch::Tensor mean = x.mean({2, 3}, true);
    if (op.kind == Pooling::kMean) return mean;
    const torch::Tensor squares = (x - mean).square();
    if (op.kind == Pooling::kDeviation) return squares.mean({2, 3}, true).sqrt();
    const int64_t others = std::max<int64_t>(1, x.size(2) * x.size(3) - 1);
    return (squares.sum({2, 3}, true) / others).sqrt();
  }
  if (op.kind == Pooling::kMax) return torch::max_pool2d(x, {op.side, op.side}, {op.stride, op.stride});
  return torch::avg_pool2d(x, {op.side, op.side}, {op.stride, op.stride});
}

torch::Tensor run(const Normalisation& op, const torch::Tensor& x, const std::vector<torch::Tensor>& p, bool training) {
  switch (op.kind) {
    case Norm::kBatch:
      // One value a channel has no variance of its own.
      training = training && x.numel() > x.size(1);
      return torch::batch_norm(x, p[0], p[1], p[2].data(), p[3].data(), training, /*momentum=*/0.1, op.epsilon, false);
    case Norm::kInstance:
      return torch::instance_norm(x, p[0], p[1], {}, {}, true, 0.1, op.epsilon, false);
    case Norm::kGroup:
      return torch::group_norm(x, op.groups, p[0], p[1], op.epsilon, false);
    case Norm::kLayer:
      break;
  }
  const torch::Tensor centred = x - x.mean(1, true);
  const torch::Tensor scaled = centred / (centred.square().mean(1, true) + op.epsilon).sqrt();
  return scaled * p[0].view({1, -1, 1, 1}) + p[1].view({1, -1, 1, 1});
}

torch::Tensor run(const Haar& op, const torch::Tensor& x) {
  if (!op.inverse) {
    const auto pixel = [&](int64_t y, int64_t c) { return x.slice(2, y, {}, 2).slice(3, c, {}, 2) / 2; };
    const torch::Tensor a = pixel(0, 0), b = pixel(0, 1), c = pixel(1, 0), d = pixel(1, 1);
    return torch::cat({a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d}, 1);
  }
  const auto bands = x.chunk(4, 1);
  const torch::Tensor pixels =
      torch::stack({bands[0] + bands[1] + bands[2] + bands[3], bands[0] - bands[1] + bands[2] - bands[3],
                    bands[0] + bands[1] - bands[2] - bands[3], bands[0] - bands[1] - bands[2] + bands[3]},
                   2);
  return torch::pixel_shuffle((pixels / 2).flatten(1, 2), 2);
}

torch::Tensor run(const AdaptiveMaxPool& op, const torch::Tensor& x) {
  return std::get<0>(torch::adaptive_max_pool2d(x, {x.size(2) / op.divisor, x.size(3) / op.divisor}));
}

torch::Tensor run(const Pad& op, const torch::Tensor& x) {
  const std::vector<int64_t> amounts{op.left, op.right, op.top, op.bottom};
  if (op.edge == Edge::kReflect) return torch::reflection_pad2d(x, amounts);
  return torch::constant_pad_nd(x, amounts, 0.0);
}

torch::Tensor run(const PadToMultiple& op, const torch::Tensor& x) {
  const std::vector<int64_t> amounts{0, missing_to(x.size(3), op.multiple), 0, missing_to(x.size(2), op.multiple)};
  if (op.edge == Edge::kZero) return torch::constant_pad_nd(x, amounts, 0.0);
  return torch::reflection_pad2d(x, amounts);
}

torch::Tensor run(const CutTo& op, const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor& other = inputs.at(1);
  return inputs.at(0).slice(2, 0, op.factor * other.size(2)).slice(3, 0, op.factor * other.size(3));
}

torch::Tensor total(const std::vector<torch::Tensor>& inputs, bool product) {
  torch::Tensor result = inputs.at(0);
  for (size_t i = 1; i < inputs.size(); ++i) result = product ? result * inputs[i] : result + inputs[i];
  return result;
}

torch::Tensor shifted(const ChannelShift& op, const torch::Tensor& x) {
  torch::Tensor amounts = torch::zeros({x.size(1)});
  amounts.slice(0, 0, static_cast<int64_t>(op.amounts.size())).copy_(torch::tensor(op.amounts));
  return x + amounts.to(x.options()).view({1, -1, 1, 1});
}

}  // namespace

std::string name_of(const Operation& operation) {
  static const char* const names[] = {"input",
                                      "convolution",
                                      "activation",
                                      "sum",
                                      "product",
                                      "affine",
                                      "channel shift",
                                      "concatenation",
                                      "slice",
                                      "pixel shuffle",
                                      "unshuffle",
                                      "resize",
                                      "pool",
                                      "normalisation",
                                      "softmax",
                                      "Haar",
                                      "matrix product",
                                      "adaptive pool",
                                      "padding",
                                      "power",
                                      "mean of channels",
                                      "learned",
                                      "padding to a multiple",
                                      "cut",
                                      "window attention",
                                      "custom"};
  static_assert(std::size(names) == std::variant_size_v<Operation>);
  return names[operation.index()];
}

torch::Tensor activate(const Activation& activation, const torch::Tensor& x, const torch::Tensor& slopes) {
  switch (activation.curve) {
    case Curve::kRelu:
      return torch::relu(x);
    case Curve::kLeakyRelu:
      return torch::leaky_relu(x, activation.slope);
    case Curve::kPrelu:
      return torch::prelu(x, slopes);
    case Curve::kSigmoid:
      return torch::sigmoid(x);
    case Curve::kTanh:
      return torch::tanh(x);
    case Curve::kGelu:
      return torch::gelu(x);
    case Curve::kSilu:
      return torch::silu(x);
    case Curve::kSoftplus:
      return torch::softplus(x);
    case Curve::kMish:
      return torch::mish(x);
  }
  return x;
}

torch::Tensor run_by_torch(const Operation& operation, const std::vector<torch::Tensor>& inputs,
                           const std::vector<torch::Tensor>& parameters, bool training) {
  return std::visit(Overloaded{
                        [](const Input&) { return torch::Tensor(); },
                        [&](const Convolution& op) { return run(op, inputs.at(0), parameters); },
                        [&](const Activation& op) {
                          return activate(op, inputs.at(0), parameters.empty() ? torch::Tensor() : parameters[0]);
                        },
                        [&](const Sum&) { return total(inputs, false); },
                        [&](const Product&) { return total(inputs, true); },
                        [&](const Affine& op) {
                          torch::Tensor x = inputs.at(0);
                          if (op.factor != 1.0) x = x * op.factor;
                          return op.shift == 0.0 ? x : x + op.shift;
                        },
                        [&](const ChannelShift& op) { return shifted(op, inputs.at(0)); },
                        [&](const Concatenation&) { return torch::cat(inputs, 1); },
                        [&](const Slice& op) { return inputs.at(0).slice(1, op.from, op.to); },
                        [&](const PixelShuffle& op) { return torch::pixel_shuffle(inputs.at(0), op.factor); },
                        [&](const PixelUnshuffle& op) { return torch::pixel_unshuffle(inputs.at(0), op.factor); },
                        [&](const Resize& op) { return run(op, inputs); },
                        [&](const Pool& op) { return run(op, inputs.at(0)); },
                        [&](const Normalisation& op) { return run(op, inputs.at(0), parameters, training); },
                        [&](const Softmax&) { return torch::softmax(inputs.at(0), 1); },
                        [&](const Haar& op) { return run(op, inputs.at(0)); },
                        [&](const Pad& op) { return run(op, inputs.at(0)); },
                        [&](const AdaptiveMaxPool& op) { return run(op, inputs.at(0)); },
                        [&](const Power& op) { return inputs.at(0).pow(op.exponent); },
                        [&](const ChannelMean&) { return inputs.at(0).mean(1, true); },
                        [&](const Learned&) {
                          return parameters.at(0).view({1, -1, 1, 1});
                        },
                        [&](const PadToMultiple& op) { return run(op, inputs.at(0)); },
                        [&](const CutTo& op) { return run(op, inputs); },
                        [&](const WindowAttention& op) { return attend(op, inputs.at(0), parameters.at(0)); },
                        [&](const MatrixProduct& op) {
                          return torch::matmul(inputs.at(0),
                                               op.transpose_second ? inputs.at(1).transpose(-2, -1) : inputs.at(1));
                        },
                        [&](const Custom& op) { return op.run(inputs, parameters); },
                    },
                    operation);
}

torch::Tensor imresize_kernels(int64_t factor) {
  const torch::Tensor taps = imresize_taps(factor);
  return torch::einsum("ai,bj->abij", {taps, taps}).reshape({factor * factor, 1, 5, 5});
}

}  // namespace zsr::nn
