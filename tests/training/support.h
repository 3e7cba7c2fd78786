#pragma once

#include "tests/support/test_images.h"
#include "training/student.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::training {

using test::max_difference;

/// Two photos [3, side, side + 7] uint8.
inline std::vector<torch::Tensor> photos(int64_t side = 96) {
  std::vector<torch::Tensor> all;
  for (const uint64_t seed : {1, 2}) {
    all.push_back(test::texture(3, side, side + 7, seed).clamp(0.0, 1.0)[0].mul(255.0).round().to(torch::kUInt8));
  }
  return all;
}

inline Student make_student(const std::string& network, int64_t scale = 2, int64_t depth = 2) {
  Random random(1);
  return {{network, scale, 16, depth}, random};
}

/// Random weights of sensible size, so that all layers matter.
inline torch::Tensor random_values(const Student& student) {
  torch::manual_seed(3);
  return 0.1 * torch::randn({student.parameters().numel()});
}

}  // namespace zsr::training
