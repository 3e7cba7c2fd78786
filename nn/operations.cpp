#include "nn/operations.h"

#include "core/error.h"
#include "nn/window_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::nn {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

[[noreturn]] void refuse(const std::string& what) {
  throw OptionError(what);
}

int64_t after_window(int64_t length, int64_t side, int64_t stride, int64_t padding, int64_t dilation) {
  return (length + 2 * padding - dilation * (side - 1) - 1) / stride + 1;
}

Shape after(const Convolution& conv, const Shape& in) {
  if (conv.groups < 1 || in.channels % conv.groups != 0 || conv.out % conv.groups != 0) {
    refuse(
        fmt::format("a convolution from {} to {} channels cannot have {} groups", in.channels, conv.out, conv.groups));
  }
  const auto length = [&](int64_t from) {
    if (!conv.transposed) return after_window(from, conv.side, conv.stride, conv.padding, conv.dilation);
    return (from - 1) * conv.stride - 2 * conv.padding + conv.dilation * (conv.side - 1) + conv.output_padding + 1;
  };
  return {conv.out, length(in.height), length(in.width)};
}

// Sizes of 1 are repeated.
Shape broadcast(const std::vector<Shape>& inputs, const char* what) {
  Shape result = inputs.at(0);
  for (const Shape& other : inputs) {
    const auto common = [&](int64_t a, int64_t b) {
      if (a != b && a != 1 && b != 1) {
        refuse(fmt::format("a {} of {}x{}x{} and {}x{}x{}", what, result.channels, result.height, result.width,
                           other.channels, other.height, other.width));
      }
      return std::max(a, b);
    };
    result = {common(result.channels, other.channels), common(result.height, other.height),
              common(result.width, other.width)};
  }
  return result;
}

Shape joined(const std::vector<Shape>& inputs) {
  Shape result = inputs.at(0);
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i].height != result.height || inputs[i].width != result.width) {
      refuse("channels of images of different sizes cannot be joined");
    }
    result.channels += inputs[i].channels;
  }
  return result;
}

Shape after(const PixelShuffle& op, const Shape& in) {
  const int64_t area = op.factor * op.factor;
  if (in.channels % area != 0) {
    refuse(fmt::format("a pixel shuffle by {} needs a multiple of {} channels, not {}", op.factor, area, in.channels));
  }
  return {in.channels / area, in.height * op.factor, in.width * op.factor};
}

Shape after(const PixelUnshuffle& op, const Shape& in) {
  return {in.channels * op.factor * op.factor, in.height / op.factor, in.width / op.factor};
}

Shape after(const Haar& op, const Shape& in) {
  if (!op.inverse) return {4 * in.channels, in.height / 2, in.width / 2};
  if (in.channels % 4 != 0) refuse(fmt::format("an inverse Haar transform of {} channels, not 4 bands", in.channels));
  return {in.channels / 4, 2 * in.height, 2 * in.width};
}

Shape after(const Pool& op, const Shape& in) {
  if (op.side == 0) return {in.channels, 1, 1};
  return {in.channels, after_window(in.height, op.side, op.stride, 0, 1),
          after_window(in.width, op.side, op.stride, 0, 1)};
}

Shape after(const AdaptiveMaxPool& op, const Shape& in) {
  return {in.channels, in.height / op.divisor, in.width / op.divisor};
}

Shape after(const Pad& op, const Shape& in) {
  const int64_t furthest = std::max({op.top, op.bottom, op.left, op.right});
  if (op.edge == Edge::kReflect && furthest >= std::min(in.height, in.width)) {
    refuse(fmt::format("{} mirrored pixels around {} x {}", furthest, in.height, in.width));
  }
  return {in.channels, in.height + op.top + op.bottom, in.width + op.left + op.right};
}

int64_t missing_to(int64_t length, int64_t multiple) {
  return (multiple - length % multiple) % multiple;
}

Shape after(const PadToMultiple& op, const Shape& in) {
  return {in.channels, in.height + missing_to(in.height, op.multiple), in.width + missing_to(in.width, op.multiple)};
}

Shape after(const CutTo& op, const std::vector<Shape>& inputs) {
  return {inputs.at(0).channels, inputs.at(1).height * op.factor, inputs.at(1).width * op.factor};
}

Shape after(const WindowAttention& op, const Shape& in) {
  if (in.channels % (3 * op.heads) != 0) {
    refuse(fmt::format("attention of {} channels cannot have {} heads", in.channels / 3, op.heads));
  }
  return {in.channels / 3, in.height, in.width};
}

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
  return torch::reflection_pad2d(x, {0, missing_to(x.size(3), op.multiple), 0, missing_to(x.size(2), op.multiple)});
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

Shape shape_after(const Operation& operation, const std::vector<Shape>& inputs) {
  const auto same = [&](const auto&) { return inputs.at(0); };
  return std::visit(Overloaded{
                        [](const Input& op) {
                          return Shape{op.channels, 1, 1};
                        },
                        [&](const Sum&) { return broadcast(inputs, "sum"); },
                        [&](const Product&) { return broadcast(inputs, "product"); },
                        [&](const Concatenation&) { return joined(inputs); },
                        [&](const Slice& op) {
                          if (op.from < 0 || op.to > inputs.at(0).channels || op.from >= op.to) {
                            refuse(fmt::format("channels {} to {} of {}", op.from, op.to, inputs.at(0).channels));
                          }
                          return Shape{op.to - op.from, inputs[0].height, inputs[0].width};
                        },
                        [&](const Resize& op) {
                          const Shape& size = inputs.back();
                          const int64_t factor = inputs.size() > 1 ? 1 : op.factor;
                          return Shape{inputs[0].channels, size.height * factor, size.width * factor};
                        },
                        [&](const Convolution& op) { return after(op, inputs.at(0)); },
                        [&](const PixelShuffle& op) { return after(op, inputs.at(0)); },
                        [&](const PixelUnshuffle& op) { return after(op, inputs.at(0)); },
                        [&](const Pool& op) { return after(op, inputs.at(0)); },
                        [&](const Haar& op) { return after(op, inputs.at(0)); },
                        [&](const Pad& op) { return after(op, inputs.at(0)); },
                        [&](const AdaptiveMaxPool& op) { return after(op, inputs.at(0)); },
                        [&](const ChannelMean&) {
                          return Shape{1, inputs.at(0).height, inputs[0].width};
                        },
                        [](const Learned& op) {
                          return Shape{op.channels, 1, 1};
                        },
                        [&](const PadToMultiple& op) { return after(op, inputs.at(0)); },
                        [&](const CutTo& op) { return after(op, inputs); },
                        [&](const WindowAttention& op) { return after(op, inputs.at(0)); },
                        [&](const Power& op) { return same(op); },
                        [&](const MatrixProduct& op) {
                          return Shape{inputs.at(0).channels, inputs[0].height,
                                       op.transpose_second ? inputs.at(1).height : inputs.at(1).width};
                        },
                        [&](const Custom& op) { return op.shape(inputs); },
                        [&](const Activation& op) { return same(op); },
                        [&](const Affine& op) { return same(op); },
                        [&](const ChannelShift& op) { return same(op); },
                        [&](const Normalisation& op) { return same(op); },
                        [&](const Softmax& op) { return same(op); },
                    },
                    operation);
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
