#pragma once

#include <torch/types.h>

#include <mutex>

namespace zsr::networks {

/// The values of a network where it runs: given on the CPU, copied to another device once.
class Placed {
 public:
  explicit Placed(torch::Tensor values) : values_(std::move(values)) {}
  int64_t count() const { return values_.numel(); }
  /// Safe to call from several threads.
  torch::Tensor on(torch::Device device) const {
    if (device == values_.device()) return values_;
    const std::lock_guard lock(mutex_);
    if (!copy_.defined() || copy_.device() != device) copy_ = values_.to(device);
    return copy_;
  }

 private:
  torch::Tensor values_;
  mutable std::mutex mutex_;
  mutable torch::Tensor copy_;
};

}  // namespace zsr::networks
