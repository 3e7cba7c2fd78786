#pragma once

#include "dip/fast/image.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

namespace zsr::dip {

/// Runs body(thread, begin, end) over fixed shares of [0, items): the order of sums must not depend on who was faster.
/// Returns the number of shares.
template <typename Body>
int64_t share_rows(int64_t items, const Body& body) {
  const int64_t shares = std::clamp<int64_t>(at::get_num_threads(), 1, std::max<int64_t>(1, items));
  at::parallel_for(0, shares, 1, [&](int64_t first, int64_t last) {
    for (int64_t share = first; share < last; ++share) {
      body(share, items * share / shares, items * (share + 1) / shares);
    }
  });
  return shares;
}

/// Sums that each thread gathers on its own.
class SharedSums {
 public:
  explicit SharedSums(int64_t blocks) : length_(blocks * kBlock), each_(at::get_num_threads(), Sums{}) {
    for (Sums& sums : each_) sums = {std::vector<double>(length_), std::vector<double>(length_)};
  }
  void add(int64_t thread, int64_t block, const float* first, const float* second) {
    Sums& sums = each_[static_cast<size_t>(thread)];
    for (int64_t c = 0; c < kBlock; ++c) {
      sums.first[static_cast<size_t>(block * kBlock + c)] += first[c];
      sums.second[static_cast<size_t>(block * kBlock + c)] += second[c];
    }
  }
  Sums total() const {
    Sums sums = each_[0];
    for (size_t i = 1; i < each_.size(); ++i) {
      for (size_t c = 0; c < sums.first.size(); ++c) {
        sums.first[c] += each_[i].first[c];
        sums.second[c] += each_[i].second[c];
      }
    }
    return sums;
  }

 private:
  int64_t length_;
  std::vector<Sums> each_;
};

/// Buffers that each thread owns and that only grow.
class Scratch {
 public:
  float* get(int64_t thread, size_t which, int64_t count) {
    auto& buffer = each_[static_cast<size_t>(thread)][which];
    if (!buffer.defined() || buffer.numel() < count) buffer = torch::empty({count}, torch::kFloat32);
    return buffer.data_ptr<float>();
  }
  /// Before the threads begin.
  void ready() {
    if (each_.size() < static_cast<size_t>(at::get_num_threads())) {
      each_.resize(static_cast<size_t>(at::get_num_threads()));
    }
  }

 private:
  static constexpr size_t kBuffers = 8;
  std::vector<std::array<torch::Tensor, kBuffers>> each_;
};

}  // namespace zsr::dip
