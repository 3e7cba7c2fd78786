#include "dip/fast/hourglass.h"

#include "dip/fast/joint.h"
#include "dip/fast/packing.h"
#include "dip/skip_network.h"
#include "nn/kernels/winograd/layout.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::dip {

// Images and gradients of one level.
struct Hourglass::Level {
  Image skip, down, active, second, joint, up, point;
  Norm skip_norm, down_norm, second_norm, joint_norm, up_norm, point_norm;
  torch::Tensor joint_weight;  // of the convolution behind the joint image, the latter's normalisation in it
  torch::Tensor non_local_input, non_local_output, non_local_parameters;  // of the last pass, for LibTorch to go back
  // Gradients, each before the activation but that of the joint image.
  Image d_skip, d_down, d_second, d_up, d_point;
  Image d_joint;
  Sums input_sums;  // of the gradient that this level sends to the one that it sees

  bool has_skip() const { return skip.data.defined(); }
  bool has_point() const { return point.data.defined(); }
};

namespace {

double pixels(const Image& image) {
  return static_cast<double>(image.shape.height * image.shape.width);
}

// [skip, enlarged] as the published network has the channels of the joint image, against [enlarged, skip].
torch::Tensor enlarged_first(const torch::Tensor& values, int64_t skip, int64_t dim) {
  const int64_t count = values.size(dim);
  return torch::cat({values.narrow(dim, skip, count - skip), values.narrow(dim, 0, skip)}, dim).contiguous();
}
torch::Tensor skip_first(const torch::Tensor& values, int64_t skip, int64_t dim) {
  const int64_t count = values.size(dim);
  return torch::cat({values.narrow(dim, count - skip, skip), values.narrow(dim, 0, count - skip)}, dim);
}

torch::Tensor as_tensor(const std::vector<double>& values, int64_t count) {
  return torch::tensor(values, torch::kFloat64).narrow(0, 0, count);
}

std::vector<float> as_floats(const torch::Tensor& values, int64_t padded_count) {
  std::vector<float> floats(static_cast<size_t>(padded_count), 0.0F);
  const torch::Tensor plain = values.to(torch::kFloat32).contiguous();
  std::copy_n(plain.data_ptr<float>(), plain.numel(), floats.begin());
  return floats;
}

}  // namespace

Hourglass::Hourglass(const SkipSpec& spec, const SkipLayout& layout, const winograd::Kernels& kernels)
    : spec_(spec), layout_(layout), layers_(kernels) {}

Hourglass::~Hourglass() = default;

bool Hourglass::serves(const SkipSpec& spec) {
  bool whole = spec.down_filter == 3 && spec.down.back() % kBlock == 0;
  for (const int64_t channels : spec.up) whole = whole && channels % kBlock == 0;
  return whole;
}

int64_t Hourglass::bytes(const SkipSpec& spec, int64_t height, int64_t width) {
  int64_t floats = 0;
  const auto add = [&](int64_t channels, int64_t level) {
    floats += padded(channels) * ((height >> level) + 6) * ((width >> level) + 6);
  };
  add(spec.inputs, 0);
  for (int64_t i = 0; i < spec.levels(); ++i) {
    const auto at = static_cast<size_t>(i);
    if (spec.skip[at] > 0) add(2 * padded(spec.skip[at]), i);
    add(5 * spec.down[at], i + 1);
    add(2 * (spec.enlarged(i) + padded(spec.skip[at])), i);
    add((spec.point_wise_up ? 4 : 2) * spec.up[at], i);
  }
  return 4 * floats;
}

void Hourglass::set_size(int64_t height, int64_t width) {
  if (height == height_ && width == width_) return;
  height_ = height;
  width_ = width;
  levels_.clear();
  noise_ = Image(spec_.inputs, height, width);
  last_ = Image(spec_.outputs, height, width);
  d_last_ = Image(spec_.outputs, height, width);
  for (int64_t i = 0; i < spec_.levels(); ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t h = height >> i;
    const int64_t w = width >> i;
    auto level = std::make_unique<Level>();
    const auto half = [&] { return Image(spec_.down[at], h / 2, w / 2); };
    if (spec_.skip[at] > 0) {
      level->skip = Image(spec_.skip[at], h, w);
      level->d_skip = Image(spec_.skip[at], h, w);
    }
    level->down = half();
    level->active = half();
    level->second = half();
    level->d_down = half();
    level->d_second = half();
    level->joint = Image(spec_.enlarged(i) + spec_.skip[at], h, w);
    level->d_joint = Image(spec_.enlarged(i) + spec_.skip[at], h, w);
    level->up = Image(spec_.up[at], h, w);
    level->d_up = Image(spec_.up[at], h, w);
    if (spec_.point_wise_up) {
      level->point = Image(spec_.up[at], h, w);
      level->d_point = Image(spec_.up[at], h, w);
    }
    levels_.push_back(std::move(level));
  }
}

View Hourglass::seen_by(size_t level) const {
  if (level == 0) return {&noise_, nullptr};
  return {&levels_[level - 1]->second, &levels_[level - 1]->second_norm};
}

View Hourglass::made_by(size_t level) const {
  const Level& from = *levels_[level];
  return from.has_point() ? View{&from.point, &from.point_norm} : View{&from.up, &from.up_norm};
}

void Hourglass::forward_level(size_t i, const torch::Tensor& parameters) {
  Level& level = *levels_[i];
  const LevelSlices& slices = layout_.levels[i];
  const auto norm = [&](const Sums& sums, const Image& image, const LayerSlices& layer) {
    return norm_of(sums, pixels(image), layer.gain.of(parameters), layer.shift.of(parameters));
  };
  const View input = seen_by(i);
  if (level.has_skip()) {
    level.skip_norm =
        norm(layers_.pointwise(input, slices.skip.weight.of(parameters), level.skip), level.skip, slices.skip);
  }
  level.down_norm =
      norm(layers_.halving(input, slices.down.weight.of(parameters), level.down), level.down, slices.down);
  activate({&level.down, &level.down_norm}, level.active);
  if (!slices.non_local.value.shape.empty()) run_non_local(i, parameters);
  layers_.same(level.active, slices.second.weight.of(parameters), level.second);
  level.second_norm = norm(sums_of(level.second), level.second, slices.second);

  const bool deepest = i + 1 == levels_.size();
  if (!deepest) forward_level(i + 1, parameters);
  const View deeper = deepest ? View{&level.second, &level.second_norm} : made_by(i + 1);
  const View skip{&level.skip, &level.skip_norm};
  const Sums joint = join(deeper, level.has_skip() ? &skip : nullptr, spec_.bilinear, level.joint);
  const int64_t branch = spec_.skip[i];
  const int64_t channels = level.joint.shape.channels;
  level.joint_norm = norm_of(joint, pixels(level.joint), enlarged_first(slices.joint_gain.of(parameters), branch, 0),
                             enlarged_first(slices.joint_shift.of(parameters), branch, 0));
  const torch::Tensor scale = torch::tensor(level.joint_norm.scale).narrow(0, 0, channels).view({1, -1, 1, 1});
  level.joint_weight = (enlarged_first(slices.up.weight.of(parameters), branch, 1) * scale).contiguous();
  layers_.same(level.joint, level.joint_weight, level.up);
  level.up_norm = norm(sums_of(level.up), level.up, slices.up);
  if (level.has_point()) {
    level.point_norm =
        norm(layers_.pointwise({&level.up, &level.up_norm}, slices.point.weight.of(parameters), level.point),
             level.point, slices.point);
  }
}

// A corner of the network so small that LibTorch's own differentiation serves.
void Hourglass::run_non_local(size_t i, const torch::Tensor& parameters) {
  Level& level = *levels_[i];
  const torch::AutoGradMode enabled(true);
  level.non_local_input = winograd::from_blocked(level.active.values(), level.active.shape).set_requires_grad(true);
  const torch::Tensor leaf = parameters.detach().clone().set_requires_grad(true);
  level.non_local_output = non_local_block(layout_.levels[i].non_local, level.non_local_input, leaf);
  level.non_local_parameters = leaf;
  winograd::to_blocked(level.non_local_output.detach().contiguous(), level.active.values(), level.active.shape);
}

torch::Tensor Hourglass::forward(const torch::Tensor& noise, const torch::Tensor& parameters) {
  const torch::NoGradGuard no_grad;
  set_size(noise.size(2), noise.size(3));
  winograd::to_blocked(noise.contiguous(), noise_.values(), noise_.shape);
  forward_level(0, parameters);
  layers_.pointwise(made_by(0), layout_.last.of(parameters), last_);
  const torch::Tensor bias = layout_.last_bias.of(parameters).view({1, -1, 1, 1});
  output_ = winograd::from_blocked(last_.values(), last_.shape).add_(bias).sigmoid_();
  return output_;
}

torch::Tensor Hourglass::backward_joint(size_t i, const torch::Tensor& parameters, torch::Tensor& gradients) {
  Level& level = *levels_[i];
  const LevelSlices& slices = layout_.levels[i];
  const int64_t branch = spec_.skip[i];
  const int64_t channels = level.joint.shape.channels;
  torch::Tensor weight_gradient = torch::empty_like(level.joint_weight);
  layers_.same_gradient(level.joint, level.joint_weight, level.d_up, weight_gradient, &level.d_joint);
  // The weights in force were those of the network times gain / deviation of each channel of the joint image; its mean
  // and its shift are lost in the normalisation behind them.
  const torch::Tensor weight = enlarged_first(slices.up.weight.of(parameters), branch, 1);
  const torch::Tensor scale = torch::tensor(level.joint_norm.scale).narrow(0, 0, channels);
  slices.up.weight.of(gradients).copy_(skip_first(weight_gradient * scale.view({1, -1, 1, 1}), branch, 1));
  const torch::Tensor of_scale = (weight_gradient * weight).to(torch::kFloat64).sum({0, 2, 3});
  const torch::Tensor inverse = as_tensor(level.joint_norm.inverse_deviation, channels);
  slices.joint_gain.of(gradients).copy_(skip_first(of_scale * inverse, branch, 0));
  const torch::Tensor gain = enlarged_first(slices.joint_gain.of(parameters), branch, 0).to(torch::kFloat64);
  return -of_scale * gain * inverse.pow(3) / level.joint_norm.count;
}

void Hourglass::backward_level(size_t i, Sums sums, const torch::Tensor& parameters, torch::Tensor& gradients) {
  Level& level = *levels_[i];
  const LevelSlices& slices = layout_.levels[i];
  const auto through_norm = [&](const Norm& norm, const Sums& of, const LayerSlices& layer, const Image& d,
                                const Image& y) {
    return norm_gradient(norm, of, layer.gain.of(parameters), d, y, layer.gain.of(gradients),
                         layer.shift.of(gradients));
  };
  if (level.has_point()) {
    const Gradient point = through_norm(level.point_norm, sums, slices.point, level.d_point, level.point);
    sums = layers_.pointwise_gradient({&level.up, &level.up_norm}, slices.point.weight.of(parameters), point,
                                      slices.point.weight.of(gradients), &level.d_up, false);
  }
  apply(through_norm(level.up_norm, sums, slices.up, level.d_up, level.up), level.d_up);

  const torch::Tensor pull = backward_joint(i, parameters, gradients);
  const int64_t channels = level.joint.shape.channels;
  const int64_t length = padded(channels);
  const View skip{&level.skip, &level.skip_norm};
  const bool deepest = i + 1 == levels_.size();
  const View deeper = deepest ? View{&level.second, &level.second_norm} : made_by(i + 1);
  Image& deeper_gradient = deepest ? level.d_second : gradient_of(i + 1);
  const JoinedSums joined = join_gradient(level.d_joint, level.joint, as_floats(pull, length),
                                          as_floats(as_tensor(level.joint_norm.mean, channels), length), deeper,
                                          level.has_skip() ? &skip : nullptr, spec_.bilinear, deeper_gradient,
                                          level.has_skip() ? &level.d_skip : nullptr);
  Sums second_sums = joined.deeper;
  if (!deepest) {
    backward_level(i + 1, joined.deeper, parameters, gradients);
    second_sums = levels_[i + 1]->input_sums;
  }
  apply(through_norm(level.second_norm, second_sums, slices.second, level.d_second, level.second), level.d_second);
  torch::Tensor second_gradient = slices.second.weight.of(gradients);
  layers_.same_gradient(level.active, slices.second.weight.of(parameters), level.d_second, second_gradient,
                        &level.d_down);
  if (level.non_local_output.defined()) close_non_local(level, gradients);
  const Sums down_sums = close({&level.down, &level.down_norm}, level.d_down);
  const Gradient down = through_norm(level.down_norm, down_sums, slices.down, level.d_down, level.down);

  const View input = seen_by(i);
  Image* const below = i > 0 ? &levels_[i - 1]->d_second : nullptr;
  layers_.halving_gradient(input, slices.down.weight.of(parameters), down, slices.down.weight.of(gradients), below);
  if (level.has_skip()) {
    const Gradient branch_gradient = through_norm(level.skip_norm, joined.skip, slices.skip, level.d_skip, level.skip);
    level.input_sums = layers_.pointwise_gradient(input, slices.skip.weight.of(parameters), branch_gradient,
                                                  slices.skip.weight.of(gradients), below, true);
  } else if (below != nullptr) {
    level.input_sums = close(input, *below);
  }
}

void Hourglass::close_non_local(Level& level, torch::Tensor& gradients) {
  const torch::Tensor gradient = winograd::from_blocked(level.d_down.values(), level.d_down.shape);
  const auto back =
      torch::autograd::grad({level.non_local_output}, {level.non_local_input, level.non_local_parameters}, {gradient});
  winograd::to_blocked(back[0].contiguous(), level.d_down.values(), level.d_down.shape);
  gradients += back[1];
  level.non_local_output.reset();
}

Image& Hourglass::gradient_of(size_t level) {
  return levels_[level]->has_point() ? levels_[level]->d_point : levels_[level]->d_up;
}

torch::Tensor Hourglass::backward(const torch::Tensor& gradient, const torch::Tensor& parameters) {
  const torch::NoGradGuard no_grad;
  torch::Tensor gradients = torch::zeros_like(parameters);
  const torch::Tensor logits = (gradient * output_ * (1.0 - output_)).contiguous();
  layout_.last_bias.of(gradients).copy_(logits.sum({0, 2, 3}));
  winograd::to_blocked(logits, d_last_.values(), d_last_.shape);
  const std::vector<float> ones(static_cast<size_t>(padded(spec_.outputs)), 1.0F);
  const std::vector<float> zeros(ones.size(), 0.0F);
  const Sums sums =
      layers_.pointwise_gradient(made_by(0), layout_.last.of(parameters), {&d_last_, &last_, ones, zeros, zeros},
                                 layout_.last.of(gradients), &gradient_of(0), false);
  backward_level(0, sums, parameters, gradients);
  return gradients;
}

}  // namespace zsr::dip
