#include "core/error.h"
#include "nn/operation_parts.h"
#include "nn/operations.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::nn {
namespace {

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

}  // namespace

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

}  // namespace zsr::nn
