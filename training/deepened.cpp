#include "training/deepened.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

void rename(WeightsFile& file, const std::string& from, const std::string& to) {
  for (NamedTensor& entry : file.tensors) {
    for (const char* const part : {".weight", ".bias"}) {
      if (entry.name == from + part) entry.name = to + part;
    }
  }
}

void add(WeightsFile& file, const std::string& name, const torch::Tensor& weight) {
  file.tensors.push_back({name + ".weight", weight});
  file.tensors.push_back({name + ".bias", torch::zeros({weight.size(0)})});
}

void refuse_deeper(const WeightsFile& file, int64_t own, int64_t depth, const char* what) {
  if (own > depth) {
    throw InputError(
        fmt::format("'{}' has {} {}, not {}: give --depth {} or more", file.origin, own, what, depth, own));
  }
}

// A residual block whose second convolution gives nothing adds nothing.
WeightsFile with_more_blocks(WeightsFile file, int64_t depth) {
  const auto second = [](int64_t block) { return fmt::format("body.{}.body.2", block); };
  int64_t blocks = 0;
  while (file.find(second(blocks) + ".weight") != nullptr) ++blocks;
  refuse_deeper(file, blocks, depth, "residual blocks");
  if (blocks == 0 || blocks == depth) return file;
  const torch::Tensor nothing = torch::zeros_like(*file.find(second(0) + ".weight"), torch::kFloat32);
  rename(file, fmt::format("body.{}", blocks), fmt::format("body.{}", depth));
  for (int64_t block = blocks; block < depth; ++block) add(file, second(block), nothing);
  return file;
}

// What comes out of a ReLU is not negative, so that another one behind the identity lets all of it pass.
WeightsFile with_more_convolutions(WeightsFile file, int64_t depth) {
  const auto convolution = [](int64_t place) { return fmt::format("model.{}", 2 * place); };
  int64_t length = 0;
  while (file.find(convolution(length) + ".weight") != nullptr) ++length;
  refuse_deeper(file, length, depth, "convolutions");
  if (length < 2 || length == depth) return file;
  const int64_t width = file.find(convolution(length - 1) + ".weight")->size(1);
  torch::Tensor identity = torch::zeros({width, width, 3, 3});
  for (int64_t channel = 0; channel < width; ++channel) identity[channel][channel][1][1] = 1.0;
  rename(file, convolution(length - 1), convolution(depth - 1));
  for (int64_t place = length - 1; place + 1 < depth; ++place) add(file, convolution(place), identity);
  return file;
}

}  // namespace

WeightsFile deepened(WeightsFile file, const std::string& network, int64_t depth) {
  return network == "srmd" ? with_more_convolutions(std::move(file), depth) : with_more_blocks(std::move(file), depth);
}

}  // namespace zsr::training
