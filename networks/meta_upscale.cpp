#include "networks/meta_upscale.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace zsr::networks {
namespace {

using nn::Parameter;

// Pixels of the result along one axis: the pixel of the features that each lies in, and how far from its beginning.
struct MetaAxis {
  std::vector<int64_t> sources;
  std::vector<double> offsets;
};

MetaAxis axis_of(int64_t count, double scale, double begin, int64_t length) {
  constexpr double kRounding = 1e-9;  // 27 / 2.7 is 10
  MetaAxis axis;
  for (int64_t i = 0; i < count; ++i) {
    const double place = (static_cast<double>(i) - begin) / scale;
    const auto source = std::clamp<int64_t>(static_cast<int64_t>(std::floor(place + kRounding)), 0, length - 1);
    axis.sources.push_back(source);
    axis.offsets.push_back(std::clamp(place - static_cast<double>(source), 0.0, 1.0));
  }
  return axis;
}

torch::Tensor on_features(const std::vector<int64_t>& numbers, const torch::Tensor& features) {
  return torch::tensor(numbers, torch::kInt64).to(features.device());
}

}  // namespace

std::vector<int32_t> meta_parameters(nn::Graph& g, int64_t width, int64_t hidden, int64_t channels) {
  const std::string name = "P2W.meta_block.";
  const int64_t weights = 9 * width * channels;
  return {g.parameter(name + "0.weight", {hidden, 3}, Parameter::Role::kWeight),
          g.parameter(name + "0.bias", {hidden}, Parameter::Role::kBias),
          g.parameter(name + "2.weight", {weights, hidden}, Parameter::Role::kWeight),
          g.parameter(name + "2.bias", {weights}, Parameter::Role::kBias)};
}

nn::Value meta_upscale(nn::Graph& g, nn::Value features, const std::vector<int32_t>& parameters, int64_t channels,
                       int64_t factor) {
  return g.custom(
      {"upscaling at any scale",
       [=](const std::vector<nn::Shape>& in) {
         return nn::Shape{channels, in[0].height * factor, in[0].width * factor};
       },
       [factor](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
         const OutputGrid grid{static_cast<double>(factor), in[0].size(2) * factor, in[0].size(3) * factor, 0.0, 0.0};
         return meta_upscaled(in[0], own, grid);
       },
       1},
      {features}, parameters);
}

torch::Tensor meta_upscaled(const torch::Tensor& features, const std::vector<torch::Tensor>& own,
                            const OutputGrid& grid) {
  const int64_t count = features.size(0);
  const int64_t height = features.size(2);
  const int64_t width = features.size(3);
  const int64_t inputs = 9 * features.size(1);
  const MetaAxis rows = axis_of(grid.height, grid.scale, grid.top, height);
  const MetaAxis columns = axis_of(grid.width, grid.scale, grid.left, width);
  const torch::Tensor patches =
      torch::im2col(features, {3, 3}, {1, 1}, {1, 1}, {1, 1}).view({count, inputs, height, width});
  const torch::Tensor right = torch::tensor(columns.offsets, torch::kFloat64).to(features.options());
  // Rows at the same place in their pixels have the same weights.
  std::map<int64_t, std::vector<int64_t>> alike;
  for (int64_t i = 0; i < grid.height; ++i) {
    alike[std::llround(rows.offsets[static_cast<size_t>(i)] * 1e9)].push_back(i);
  }
  std::vector<torch::Tensor> made;
  std::vector<int64_t> places(static_cast<size_t>(grid.height));
  int64_t place = 0;
  for (const auto& [key, group] : alike) {
    const double down = rows.offsets[static_cast<size_t>(group.front())];
    const torch::Tensor positions =
        torch::stack({torch::full_like(right, 1.0 / grid.scale), torch::full_like(right, down), right}, 1);
    const torch::Tensor hidden = torch::relu(torch::matmul(positions, own[0].t()) + own[1]);
    const torch::Tensor weights = (torch::matmul(hidden, own[2].t()) + own[3]).view({grid.width, inputs, -1});
    std::vector<int64_t> sources;
    for (const int64_t row : group) {
      sources.push_back(rows.sources[static_cast<size_t>(row)]);
      places[static_cast<size_t>(row)] = place++;
    }
    // [columns, N rows, inputs] times [columns, inputs, channels]
    const torch::Tensor seen = patches.index_select(2, on_features(sources, features))
                                   .index_select(3, on_features(columns.sources, features))
                                   .permute({3, 0, 2, 1})
                                   .reshape({grid.width, -1, inputs});
    made.push_back(torch::bmm(seen, weights)
                       .view({grid.width, count, static_cast<int64_t>(group.size()), -1})
                       .permute({1, 3, 2, 0}));
  }
  return torch::cat(made, 2).index_select(2, on_features(places, features));
}

}  // namespace zsr::networks
