#pragma once

#include "tests/support/test_images.h"
#include "training/network.h"

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

/// A small network of that kind.
inline Network make_network(const std::string& name, int64_t scale = 2, int64_t depth = 2) {
  Random random(1);
  const networks::Kind& kind = *networks::find_kind(name);
  return {kind, kind.configured(scale, {{"width", 16.0}, {"depth", static_cast<double>(depth)}}), random};
}

/// Random weights of sensible size, so that all layers matter.
inline torch::Tensor random_values(const Network& network) {
  torch::manual_seed(3);
  return 0.1 * torch::randn({network.parameters().numel()});
}

}  // namespace zsr::training
