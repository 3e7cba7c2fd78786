#include "nn/optim/mixed_optimizer.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr {

MixedOptimizer::MixedOptimizer(int64_t count, std::vector<MatrixSlice> matrices, torch::Device device,
                               const Settings& settings)
    : matrices_(std::move(matrices)), decay_(settings.decay), muon_(matrices_, device, settings.momentum) {
  int64_t begin = 0;
  const auto add_rest = [&](int64_t end) {
    if (end > begin) {
      rest_.push_back({begin, end - begin, FlatAdam(end - begin, device, settings.beta1, settings.beta2)});
    }
  };
  for (const MatrixSlice& matrix : matrices_) {
    add_rest(matrix.offset);
    begin = matrix.offset + matrix.rows * matrix.columns;
  }
  add_rest(count);
}

void MixedOptimizer::step(torch::Tensor parameters, const torch::Tensor& gradient, double adam_rate, double muon_rate) {
  for (Rest& rest : rest_) {
    rest.adam.step(parameters.narrow(0, rest.begin, rest.count), gradient.narrow(0, rest.begin, rest.count), adam_rate);
  }
  if (decay_ > 0.0) {
    for (const MatrixSlice& matrix : matrices_) {
      parameters.narrow(0, matrix.offset, matrix.rows * matrix.columns).mul_(1.0 - decay_ * muon_rate);
    }
  }
  if (!matrices_.empty()) muon_.step(parameters, gradient, muon_rate);
}

void MixedOptimizer::reset() {
  muon_.reset();
  for (Rest& rest : rest_) rest.adam.reset();
}

std::vector<NamedTensor> MixedOptimizer::state(const std::string& prefix) const {
  std::vector<NamedTensor> all = muon_.state(prefix + "muon.");
  for (size_t i = 0; i < rest_.size(); ++i) {
    for (NamedTensor& entry : rest_[i].adam.state(fmt::format("{}adam.{}.", prefix, i)))
      all.push_back(std::move(entry));
  }
  return all;
}

void MixedOptimizer::load_state(const WeightsFile& file, const std::string& prefix) {
  muon_.load_state(file, prefix + "muon.");
  for (size_t i = 0; i < rest_.size(); ++i) rest_[i].adam.load_state(file, fmt::format("{}adam.{}.", prefix, i));
}

}  // namespace zsr
