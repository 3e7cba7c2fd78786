#include "training/student.h"

#include "core/error.h"
#include "networks/edsr_layers.h"
#include "networks/restorer.h"
#include "networks/mean_shift.h"
#include "srmd/network.h"
#include "training/deepened.h"
#include "training/patches.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

constexpr int64_t kSrmdMaps = srmd::Network::kComponents + 1;  // the kernel's code and the noise

// EDSR's layers, and those of SRMD's maps on EDSR's trunk.
bool is_edsr_like(const StudentSpec& spec) {
  return spec.network == "edsr" || spec.network == "srmd-edsr";
}

int64_t maps_of(const StudentSpec& spec) {
  if (spec.network == "srmd" || spec.network == "srmd-edsr") return kSrmdMaps;
  return spec.network == "zssr-start" ? zssr::Start::kMaps : 0;
}

networks::EdsrShape edsr_shape(const StudentSpec& spec) {
  return {3 + maps_of(spec), spec.width, spec.depth, spec.scale};
}

zssr::Start start_of(const StudentSpec& spec) {
  zssr::Start start;
  start.scale = spec.scale;
  start.blocks = spec.depth;
  start.width = spec.width;
  return start;
}

std::vector<ConvLayer> layers_of(const StudentSpec& spec) {
  spec.validate();
  if (is_edsr_like(spec)) return networks::edsr_layers(edsr_shape(spec));
  if (spec.network == "restorer") return {{.in_channels = 3, .out_channels = 3}};  // it has chains of its own
  if (spec.network == "zssr-start") return start_of(spec).layers(3);
  std::vector<ConvLayer> layers;
  for (int64_t i = 0; i < spec.depth; ++i) {
    layers.push_back({.in_channels = i == 0 ? 3 + kSrmdMaps : spec.width,
                      .out_channels = i + 1 == spec.depth ? 3 * spec.scale * spec.scale : spec.width,
                      .bias = true,
                      .relu = i + 1 < spec.depth});
  }
  return layers;
}

// Where sub-pixel `part` of `scale` stands against the middle of its pixel, in pixels.
double offset_of(int64_t part, int64_t scale) {
  return (static_cast<double>(part) + 0.5) / static_cast<double>(scale) - 0.5;
}

// Bilinear interpolation as a convolution in front of a pixel shuffle: [channels scale^2, channels, 3, 3].
torch::Tensor bilinear_shuffle(int64_t channels, int64_t scale) {
  torch::Tensor weight = torch::zeros({channels * scale * scale, channels, 3, 3});
  const auto along = [&](int64_t part) {
    const double offset = offset_of(part, scale);
    return torch::tensor({std::max(0.0, -offset), 1.0 - std::abs(offset), std::max(0.0, offset)});
  };
  for (int64_t at = 0; at < weight.size(0); ++at) {
    weight[at][at / (scale * scale)].copy_(torch::outer(along(at / scale % scale), along(at % scale)));
  }
  return weight;
}

// What stands in front of a pixel shuffle by `from` ([channels from^2, ...], weight or bias), for one by `to`: linear
// between the sub-pixels, and beyond them.
torch::Tensor resampled_shuffle(const torch::Tensor& values, int64_t from, int64_t to) {
  torch::Tensor mix = torch::zeros({to, from});
  for (int64_t part = 0; part < to; ++part) {
    const double place = (offset_of(part, to) + 0.5) * static_cast<double>(from) - 0.5;
    const int64_t before = std::clamp<int64_t>(static_cast<int64_t>(std::floor(place)), 0, from - 2);
    mix[part][before] = 1.0 - (place - static_cast<double>(before));
    mix[part][before + 1] = place - static_cast<double>(before);
  }
  const int64_t channels = values.size(0) / (from * from);
  const torch::Tensor parts = values.reshape({channels, from, from, -1});
  const torch::Tensor rows = torch::einsum("tf,cfxr->ctxr", {mix, parts});
  std::vector<int64_t> sizes = values.sizes().vec();
  sizes[0] = channels * to * to;
  return torch::einsum("tf,cyfr->cytr", {mix, rows}).reshape(sizes);
}

// A chain without shortcuts learns to carry the colours from end to end before it learns anything else. This one begins
// as bilinear interpolation: the first three channels hand the colours on (they are never negative, so ReLU lets them
// pass), the others hand their own on with a random mixture.
void begin_as_bilinear(const ConvChain& chain, const torch::Tensor& parameters, int64_t scale) {
  constexpr int64_t kColors = 3;
  constexpr double kMixture = 0.3;
  const size_t last = chain.layers().size() - 1;
  for (size_t i = 0; i < last; ++i) {
    const torch::Tensor weight = chain.weight(parameters, i);
    weight.slice(0, 0, kColors).zero_();
    const int64_t same = i == 0 ? kColors : weight.size(0);
    if (i > 0) weight.mul_(kMixture);
    for (int64_t k = 0; k < same; ++k) weight[k][k][1][1] += 1.0;
  }
  chain.weight(parameters, last).slice(1, 0, kColors).copy_(bilinear_shuffle(kColors, scale));
}

}  // namespace

void StudentSpec::validate() const {
  if (network != "edsr" && network != "srmd" && network != "srmd-edsr" && network != "zssr-start" &&
      network != "restorer") {
    throw OptionError(fmt::format("network = '{}', must be edsr, srmd, srmd-edsr, zssr-start or restorer", network));
  }
  if (scale < 2 || scale > 4) throw OptionError(fmt::format("scale = {}, must be 2, 3 or 4", scale));
  if (width < 16 || width > 256 || width % 16 != 0) {
    throw OptionError(fmt::format("width = {}, must be a multiple of 16, 16 to 256", width));
  }
  if (depth < 2 || depth > 64) throw OptionError(fmt::format("depth = {}, must be 2 to 64", depth));
}

Student::Student(const StudentSpec& spec)
    : spec_(spec), chain_(layers_of(spec)) {
  if (spec.network == "restorer") restorer_.emplace(networks::RestorerConfig{spec.width, spec.depth});
  parameters_ = torch::zeros({restorer_ ? restorer_->parameter_count() : chain_.parameter_count()});
}

Student::Student(const StudentSpec& spec, Random& random) : Student(spec) {
  if (restorer_) {
    init_restorer(random);
    return;
  }
  const size_t last = chain_.layers().size() - 1;
  for (size_t i = 0; i <= last; ++i) {
    const ConvLayer& layer = chain_.layers()[i];
    // He's initialisation; what is added to an earlier image, or is the result, begins small.
    const bool small = layer.add >= 0 || i == last;
    const double sigma = std::sqrt((small ? 0.02 : 2.0) / (9.0 * static_cast<double>(layer.in_channels)));
    const torch::Tensor weight = chain_.weight(parameters_, i);
    float* const values = weight.data_ptr<float>();
    for (int64_t k = 0; k < weight.numel(); ++k) values[k] = static_cast<float>(sigma * random.normal());
  }
  if (spec_.network == "srmd") begin_as_bilinear(chain_, parameters_, spec_.scale);
  parameters_.set_requires_grad(true);
}

void Student::init_restorer(Random& random) {
  for (const auto& layer : restorer_->layers()) {
    const bool small = layer.residual || layer.output;
    const double sigma = std::sqrt((small ? 0.02 : 2.0) / (9.0 * static_cast<double>(layer.in)));
    const torch::Tensor weight = networks::Restorer::weight(parameters_, layer);
    float* const values = weight.data_ptr<float>();
    for (int64_t k = 0; k < weight.numel(); ++k) values[k] = static_cast<float>(sigma * random.normal());
  }
  parameters_.set_requires_grad(true);
}

std::vector<int64_t> Student::scales() const {
  return restorer_ ? restorer_->config().scales : std::vector<int64_t>{spec_.scale};
}

Condition Student::condition() const {
  if (restorer_) return Condition::kDamage;
  if (maps_of(spec_) == kSrmdMaps) return Condition::kSrmd;
  return spec_.network == "zssr-start" ? Condition::kKernelAndNoise : Condition::kNone;
}

int64_t Student::condition_maps() const {
  if (restorer_) return networks::kDamageMaps;
  return maps_of(spec_);
}

torch::Tensor Student::forward(const torch::Tensor& input, const torch::Tensor& parameters, int64_t scale) const {
  if (restorer_) return restorer_->forward(input, parameters, scale);
  if (!is_edsr_like(spec_)) return torch::pixel_shuffle(chain_.forward(input.contiguous(), parameters), spec_.scale);
  return networks::run_edsr(chain_, input, parameters);
}

std::vector<MatrixSlice> Student::hidden_matrices() const {
  std::vector<MatrixSlice> slices;
  if (restorer_) {
    for (size_t i = 1; i < restorer_->layers().size(); ++i) {
      const auto& layer = restorer_->layers()[i];
      if (!layer.output) slices.push_back({layer.offset, layer.out, layer.in * 9});
    }
    return slices;
  }
  for (size_t i = 1; i + 1 < chain_.layers().size(); ++i) {
    const torch::Tensor weight = chain_.weight(parameters_.detach(), i);
    slices.push_back({weight.storage_offset(), weight.size(0), weight.size(1) * 9});
  }
  return slices;
}

std::string Student::name_of(size_t layer) const {
  const auto i = static_cast<int64_t>(layer);
  if (spec_.network == "srmd") return fmt::format("model.{}", 2 * i);
  return is_edsr_like(spec_) ? networks::edsr_layer_name(edsr_shape(spec_), i) : start_of(spec_).name_of(i);
}

double Student::bias_factor() const {
  return is_edsr_like(spec_) ? 1.0 / networks::MeanShift().range : 1.0;
}

WeightsFile Student::weights(const torch::Tensor& values) const {
  const torch::NoGradGuard no_grad;
  WeightsFile file;
  if (restorer_) {
    for (const auto& layer : restorer_->layers()) {
      file.tensors.push_back({layer.name + ".weight", networks::Restorer::weight(values, layer).clone()});
      file.tensors.push_back(
          {layer.name + ".bias", networks::Restorer::bias(values, layer) * networks::MeanShift().range});
    }
    file.metadata["network"] = spec_.network;
    return file;
  }
  for (size_t i = 0; i < chain_.layers().size(); ++i) {
    file.tensors.push_back({name_of(i) + ".weight", chain_.weight(values, i).clone()});
    const torch::Tensor bias = chain_.bias(values, i);
    if (bias.defined()) file.tensors.push_back({name_of(i) + ".bias", bias / bias_factor()});
  }
  // The basis that the kernels were told in travels along.
  if (condition() == Condition::kSrmd) file.tensors.push_back({"pca", srmd_basis().basis().to(torch::kFloat32)});
  file.metadata["network"] = spec_.network;
  file.metadata["scale"] = std::to_string(spec_.scale);
  return file;
}

bool Student::take_similar(const WeightsFile& file, size_t layer) {
  const torch::Tensor weight = chain_.weight(parameters_.detach(), layer);
  const torch::Tensor bias = chain_.bias(parameters_.detach(), layer);
  const torch::Tensor* const found = file.find(name_of(layer) + ".weight");
  const torch::Tensor* const found_bias = file.find(name_of(layer) + ".bias");
  const bool last = layer + 1 == chain_.layers().size();
  const int64_t shuffle = is_edsr_like(spec_) ? chain_.layers()[layer].shuffle : last ? spec_.scale : 0;
  if (found == nullptr) {
    // The second of x4's two shuffles, where the file has one: it begins by enlarging what comes in.
    if (shuffle > 0 && weight.size(0) == weight.size(1) * shuffle * shuffle) {
      weight.copy_(bilinear_shuffle(weight.size(1), shuffle));
    }
    return false;
  }
  if (found->dim() != 4 || found->size(2) != 3 || found->size(3) != 3) return false;
  // A first convolution that sees only the colours: the condition begins without effect.
  if (layer == 0 && found->size(0) == weight.size(0) && found->size(1) == 3 && weight.size(1) > 3) {
    weight.zero_();
    weight.slice(1, 0, 3).copy_(*found);
    if (bias.defined() && found_bias != nullptr)
      bias.copy_(file.take(name_of(layer) + ".bias", bias.sizes()) * bias_factor());
    return true;
  }
  // In front of a shuffle by another factor.
  for (int64_t from = 2; shuffle > 0 && from <= 4; ++from) {
    if (found->size(1) != weight.size(1) || found->size(0) * shuffle * shuffle != weight.size(0) * from * from)
      continue;
    weight.copy_(resampled_shuffle(found->to(torch::kFloat32), from, shuffle));
    if (bias.defined() && found_bias != nullptr && found_bias->size(0) == found->size(0)) {
      bias.copy_(resampled_shuffle(found_bias->to(torch::kFloat32), from, shuffle) * bias_factor());
    }
    return true;
  }
  return false;
}

// Of another network it takes the trunk of an EDSR; the outputs then begin at zero, which is nearest enlargement.
void Student::load_restorer(const WeightsFile& file, bool other) {
  const torch::Tensor values = parameters_.detach();
  const double factor = 1.0 / networks::MeanShift().range;
  size_t taken = 0;
  for (const auto& layer : restorer_->layers()) {
    const torch::Tensor weight = networks::Restorer::weight(values, layer);
    const torch::Tensor bias = networks::Restorer::bias(values, layer);
    const torch::Tensor* const found = file.find(layer.name + ".weight");
    const bool colours_only = found != nullptr && layer.name == "head.0" && found->dim() == 4 &&
                              found->size(0) == layer.out && found->size(1) == 3;
    if (other && (found == nullptr || found->sizes() != weight.sizes()) && !colours_only) continue;
    if (colours_only && other) {
      weight.zero_();
      weight.slice(1, 0, 3).copy_(*found);
    } else {
      weight.copy_(file.take(layer.name + ".weight", weight.sizes()));
    }
    bias.copy_(file.take(layer.name + ".bias", bias.sizes()) * factor);
    ++taken;
  }
  if (taken == 0) {
    throw InputError(fmt::format("'{}' has no convolution of a restorer of width {}", file.origin, spec_.width));
  }
}

void Student::load(const WeightsFile& given, bool other) {
  const torch::NoGradGuard no_grad;
  if (restorer_) return load_restorer(other ? deepened(given, spec_.network, spec_.depth) : given, other);
  const WeightsFile file = other ? deepened(given, spec_.network, spec_.depth) : given;
  size_t taken = 0;
  const torch::Tensor values = parameters_.detach();
  for (size_t i = 0; i < chain_.layers().size(); ++i) {
    const torch::Tensor weight = chain_.weight(values, i);
    const torch::Tensor bias = chain_.bias(values, i);
    const torch::Tensor* const found = file.find(name_of(i) + ".weight");
    const bool fits = found != nullptr && found->sizes() == weight.sizes();
    if (other && !fits) {
      taken += take_similar(file, i) ? 1 : 0;
      continue;
    }
    weight.copy_(file.take(name_of(i) + ".weight", weight.sizes()));
    ++taken;
    if (bias.defined() && (!other || file.find(name_of(i) + ".bias") != nullptr)) {
      bias.copy_(file.take(name_of(i) + ".bias", bias.sizes()) * bias_factor());
    }
  }
  if (taken == 0) {
    throw InputError(fmt::format("'{}' shares no convolution with {} of width {} and depth {}", file.origin,
                                 spec_.network, spec_.width, spec_.depth));
  }
}

}  // namespace zsr::training
