#include "networks/weights_reader.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::networks {

WeightsReader::WeightsReader(const WeightsFile& file, std::string network)
    : file_(file), network_(std::move(network)) {}

int64_t WeightsReader::size(const std::string& name, int64_t dim) const {
  const torch::Tensor* const found = file_.find(name);
  return found == nullptr || found->dim() <= dim ? 0 : found->size(dim);
}

int64_t WeightsReader::count(const std::string& prefix, const std::string& suffix, int64_t first, int64_t step) const {
  int64_t n = 0;
  while (has(fmt::format("{}{}{}", prefix, first + n * step, suffix))) ++n;
  return n;
}

int64_t WeightsReader::shuffle_factor(const std::string& conv, int64_t channels) {
  const int64_t out = size(conv + ".weight", 0);
  const auto ratio = static_cast<double>(out) / static_cast<double>(std::max<int64_t>(1, channels));
  const auto factor = static_cast<int64_t>(std::llround(std::sqrt(ratio)));
  if (factor >= 1 && factor * factor * channels == out) return factor;
  difference(fmt::format("{} outputs of '{}' are pixels of no scale", out, conv));
  return 1;
}

torch::Tensor WeightsReader::take(const std::string& name, const std::vector<int64_t>& shape) {
  taken_.insert(name);
  const torch::Tensor* const found = file_.find(name);
  if (found == nullptr) {
    difference(fmt::format("no '{}'", name));
  } else if (found->sizes() != at::IntArrayRef(shape)) {
    difference(
        fmt::format("'{}' is [{}] instead of [{}]", name, fmt::join(found->sizes(), ", "), fmt::join(shape, ", ")));
  } else {
    return file_.take(name, shape);
  }
  return torch::zeros(shape);
}

ConvWeights WeightsReader::conv(const std::string& name, int64_t out, int64_t in, int64_t side) {
  ConvWeights read{take(name + ".weight", {out, in, side, side}), {}};
  if (has(name + ".bias")) read.bias = take(name + ".bias", {out});
  return read;
}

void WeightsReader::ignore(const std::string& prefix) {
  for (const NamedTensor& entry : file_.tensors) {
    if (entry.name.compare(0, prefix.size(), prefix) == 0) taken_.insert(entry.name);
  }
}

void WeightsReader::finish() const {
  std::vector<std::string> all = differences_;
  for (const NamedTensor& entry : file_.tensors) {
    const bool counter = entry.name.ends_with("num_batches_tracked");
    if (!counter && !taken_.contains(entry.name)) {
      all.push_back(fmt::format("'{}' has no place in it", entry.name));
    }
  }
  if (all.empty()) return;
  constexpr size_t kShown = 3;
  const std::vector<std::string> first(all.begin(), all.begin() + static_cast<long>(std::min(kShown, all.size())));
  throw InputError(fmt::format("'{}' does not fit {}: {}{}", file_.origin, network_, fmt::join(first, ", "),
                               all.size() > kShown ? fmt::format(" and {} more", all.size() - kShown) : ""));
}

ConvWeights merge_batch_norm(WeightsReader& reader, const std::string& name, const ConvWeights& conv) {
  const int64_t out = conv.weight.size(0);
  const torch::Tensor scale = reader.take(name + ".weight", {out});
  const torch::Tensor shift = reader.take(name + ".bias", {out});
  const torch::Tensor mean = reader.take(name + ".running_mean", {out});
  const torch::Tensor variance = reader.take(name + ".running_var", {out});
  constexpr double kEpsilon = 1e-5;
  const torch::Tensor factor = scale / (variance + kEpsilon).sqrt();
  const torch::Tensor bias = conv.bias.defined() ? conv.bias : torch::zeros({out});
  return {conv.weight * factor.view({-1, 1, 1, 1}), (bias - mean) * factor + shift};
}

}  // namespace zsr::networks
