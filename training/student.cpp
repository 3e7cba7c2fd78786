#include "training/student.h"

#include "core/error.h"
#include "srmd/network.h"
#include "training/patches.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>

namespace zsr::training {
namespace {

constexpr int64_t kSrmdMaps = srmd::Network::kComponents + 1;  // the kernel's code and the noise
// EDSR counts colours from 0 to 255. Its convolutions are the same for colours from 0 to 1 once the biases shrink.
constexpr double kEdsrRange = 255.0;

int64_t maps_of(const std::string& network) {
  if (network == "srmd") return kSrmdMaps;
  return network == "zssr-start" ? zssr::Start::kMaps : 0;
}

// The factors of EDSR's pixel shuffles: 2, 3, or 2 twice.
std::vector<int64_t> shuffles(int64_t scale) {
  return scale == 4 ? std::vector<int64_t>{2, 2} : std::vector<int64_t>{scale};
}

std::vector<ConvLayer> edsr_layers(const StudentSpec& spec) {
  const int64_t w = spec.width;
  std::vector<ConvLayer> layers = {{.in_channels = 3, .out_channels = w, .bias = true}};
  for (int64_t i = 0; i < spec.depth; ++i) {
    const auto into = static_cast<int64_t>(layers.size());
    layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .relu = true});
    layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .add = into});
  }
  layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .add = 1});
  for (const int64_t factor : shuffles(spec.scale)) {
    layers.push_back({.in_channels = w, .out_channels = w * factor * factor, .bias = true, .shuffle = factor});
  }
  layers.push_back({.in_channels = w, .out_channels = 3, .bias = true});
  return layers;
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
  if (spec.network == "edsr") return edsr_layers(spec);
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

torch::Tensor edsr_mean() {
  return torch::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1});
}

}  // namespace

void StudentSpec::validate() const {
  if (network != "edsr" && network != "srmd" && network != "zssr-start") {
    throw OptionError(fmt::format("network = '{}', must be edsr, srmd or zssr-start", network));
  }
  if (scale < 2 || scale > 4) throw OptionError(fmt::format("scale = {}, must be 2, 3 or 4", scale));
  if (width < 16 || width > 256 || width % 16 != 0) {
    throw OptionError(fmt::format("width = {}, must be a multiple of 16, 16 to 256", width));
  }
  if (depth < 2 || depth > 64) throw OptionError(fmt::format("depth = {}, must be 2 to 64", depth));
}

Student::Student(const StudentSpec& spec)
    : spec_(spec), chain_(layers_of(spec)), parameters_(torch::zeros({chain_.parameter_count()})) {}

Student::Student(const StudentSpec& spec, Random& random) : Student(spec) {
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
  parameters_.set_requires_grad(true);
}

Condition Student::condition() const {
  if (spec_.network == "srmd") return Condition::kSrmd;
  return spec_.network == "zssr-start" ? Condition::kKernelAndNoise : Condition::kNone;
}

int64_t Student::condition_maps() const {
  return maps_of(spec_.network);
}

torch::Tensor Student::forward(const torch::Tensor& input, const torch::Tensor& parameters) const {
  if (spec_.network != "edsr") return torch::pixel_shuffle(chain_.forward(input.contiguous(), parameters), spec_.scale);
  const torch::Tensor mean = edsr_mean().to(input.device());
  return chain_.forward((input - mean).contiguous(), parameters) + mean;
}

std::vector<MatrixSlice> Student::hidden_matrices() const {
  std::vector<MatrixSlice> slices;
  for (size_t i = 1; i + 1 < chain_.layers().size(); ++i) {
    const torch::Tensor weight = chain_.weight(parameters_.detach(), i);
    slices.push_back({weight.storage_offset(), weight.size(0), weight.size(1) * 9});
  }
  return slices;
}

std::string Student::name_of(size_t layer) const {
  const auto i = static_cast<int64_t>(layer);
  if (spec_.network == "srmd") return fmt::format("model.{}", 2 * i);
  const int64_t trunk = 2 * spec_.depth + 2;  // EDSR's and the starting point's are the same
  if (spec_.network == "zssr-start" || i < trunk) return start_of(spec_).name_of(i);
  if (layer + 1 == chain_.layers().size()) return "tail.1";
  return fmt::format("tail.0.{}", 2 * (i - trunk));
}

double Student::bias_factor() const {
  return spec_.network == "edsr" ? 1.0 / kEdsrRange : 1.0;
}

WeightsFile Student::weights(const torch::Tensor& values) const {
  const torch::NoGradGuard no_grad;
  WeightsFile file;
  for (size_t i = 0; i < chain_.layers().size(); ++i) {
    file.tensors.push_back({name_of(i) + ".weight", chain_.weight(values, i).clone()});
    const torch::Tensor bias = chain_.bias(values, i);
    if (bias.defined()) file.tensors.push_back({name_of(i) + ".bias", bias / bias_factor()});
  }
  // The basis that the kernels were told in travels along.
  if (spec_.network == "srmd") file.tensors.push_back({"pca", srmd_basis().basis().to(torch::kFloat32)});
  file.metadata["network"] = spec_.network;
  file.metadata["scale"] = std::to_string(spec_.scale);
  return file;
}

void Student::load(const WeightsFile& file, bool other) {
  const torch::NoGradGuard no_grad;
  size_t taken = 0;
  const torch::Tensor values = parameters_.detach();
  for (size_t i = 0; i < chain_.layers().size(); ++i) {
    const torch::Tensor weight = chain_.weight(values, i);
    const torch::Tensor bias = chain_.bias(values, i);
    const torch::Tensor* const found = file.find(name_of(i) + ".weight");
    const bool fits = found != nullptr && found->sizes() == weight.sizes();
    if (other && !fits) {
      // A first convolution that sees only the colours: the condition begins without effect.
      const bool colors = i == 0 && found != nullptr && found->dim() == 4 && found->size(0) == weight.size(0) &&
                          found->size(1) == 3 && found->size(2) == 3 && found->size(3) == 3 && weight.size(1) > 3;
      if (!colors) continue;
      weight.zero_();
      weight.slice(1, 0, 3).copy_(*found);
      ++taken;
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
