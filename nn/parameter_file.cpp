#include "nn/parameter_file.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::nn {
namespace {

// What a file and a graph disagree about.
std::vector<std::string> differences(const Graph& graph, const WeightsFile& file,
                                     const std::vector<std::string>& ignored) {
  std::vector<std::string> all;
  for (const Parameter& parameter : graph.parameters()) {
    const torch::Tensor* const found = file.find(parameter.name);
    if (found == nullptr) {
      all.push_back(fmt::format("no '{}'", parameter.name));
    } else if (found->sizes() != at::IntArrayRef(parameter.shape)) {
      all.push_back(fmt::format("'{}' is [{}] instead of [{}]", parameter.name, fmt::join(found->sizes(), ", "),
                                fmt::join(parameter.shape, ", ")));
    }
  }
  for (const NamedTensor& entry : file.tensors) {
    const bool skipped = entry.name.ends_with("num_batches_tracked") ||
                         std::any_of(ignored.begin(), ignored.end(),
                                     [&](const std::string& prefix) { return entry.name.starts_with(prefix); });
    if (!skipped && !graph.find(entry.name)) all.push_back(fmt::format("'{}' has no place in it", entry.name));
  }
  return all;
}

// Whether any convolution does anything; biases alone make one colour.
bool has_weights(const Graph& graph, const torch::Tensor& values) {
  const auto& all = graph.parameters();
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const Parameter& parameter) {
           return parameter.role == Parameter::Role::kWeight &&
                  values.narrow(0, parameter.offset, parameter.count()).count_nonzero().item<int64_t>() > 0;
         });
}

}  // namespace

torch::Tensor take_parameters(const Graph& graph, const WeightsFile& file, const std::string& title,
                              const std::vector<std::string>& ignored) {
  const std::vector<std::string> all = differences(graph, file, ignored);
  if (!all.empty()) {
    constexpr size_t kShown = 3;
    const std::vector<std::string> first(all.begin(), all.begin() + static_cast<long>(std::min(kShown, all.size())));
    throw InputError(fmt::format("'{}' does not fit {}: {}{}", file.origin, title, fmt::join(first, ", "),
                                 all.size() > kShown ? fmt::format(" and {} more", all.size() - kShown) : ""));
  }
  torch::Tensor values = torch::empty({graph.parameter_count()});
  for (const Parameter& parameter : graph.parameters()) {
    const torch::Tensor own = file.take(parameter.name, parameter.shape).reshape({-1});
    values.narrow(0, parameter.offset, parameter.count()).copy_(own / parameter.file_unit);
  }
  if (!has_weights(graph, values)) {
    throw InputError(fmt::format("'{}': every weight is zero; the file was never trained or is damaged", file.origin));
  }
  return values;
}

WeightsFile to_weights(const Graph& graph, const torch::Tensor& parameters) {
  const torch::NoGradGuard no_grad;
  WeightsFile file;
  for (const Parameter& parameter : graph.parameters()) {
    const torch::Tensor own = parameters.detach().narrow(0, parameter.offset, parameter.count());
    file.tensors.push_back({parameter.name, (own * parameter.file_unit).view(parameter.shape).clone()});
  }
  return file;
}

}  // namespace zsr::nn
