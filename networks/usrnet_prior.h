#pragma once

#include "networks/config.h"
#include "nn/graph.h"
#include "nn/model.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace zsr::networks {

/// USRNet's prior: a U of residual blocks without normalisation on the image and a map of its noise level. Every use
/// on the same graph has the same weights. Fields of the configuration: "blocks", "width1" to "width4", "residual".
class UsrnetPrior {
 public:
  static constexpr int64_t kWhole = 8;  ///< Its input's sides are multiples of this.

  UsrnetPrior(nn::Graph& graph, const Config& config) : g_(graph), config_(config), blocks_(config.whole("blocks")) {}

  /// [N, 4, H, W], the image and the map -> [N, 3, H, W].
  nn::Value operator()(nn::Value image);

  // The same in three parts, of which the first and the last, at full size, see a few pixels only.

  /// Features at full size.
  nn::Value head(nn::Value image);
  /// Features at full size -> at half.
  nn::Value descend(nn::Value head);
  /// What all levels below full size make of the features at half size.
  nn::Value below(nn::Value half);
  /// The image from the features at full size and what `below` made.
  nn::Value ascend(nn::Value image, nn::Value head, nn::Value made);

 private:
  int64_t width(size_t level) const;
  nn::Value conv(const std::string& name, nn::Value x, int64_t out, nn::Graph::ConvOptions options);
  nn::Value halved(size_t level, nn::Value x);
  nn::Value doubled(size_t level, nn::Value x);
  nn::Value residual_blocks(nn::Value x, const std::string& part, int64_t first, int64_t out);

  nn::Graph& g_;
  const Config& config_;
  int64_t blocks_;
  std::map<std::string, nn::Value> made_;  // the first convolution of each name
};

/// Runs the prior on images of any size within a fixed budget of memory: window by window, each with all the pixels
/// that its result depends on. The levels at full size, whose images are the largest and which see six pixels, run in
/// windows that a cache holds, and the others in windows as large as the budget allows. Windows do not change results
/// but for rounding. On the CPU, without gradients; not for concurrent calls.
class UsrnetPriorRun {
 public:
  /// Throws InputError where `weights` do not fit.
  UsrnetPriorRun(const Config& config, const WeightsFile& weights);
  /// `seen` [1, 4, H, W], sides multiples of UsrnetPrior::kWhole, -> `made` [1, 3, H, W]. `budget_bytes`: for the
  /// images inside the network.
  void run(const torch::Tensor& seen, const torch::Tensor& made, double budget_bytes = kBudget);

  static constexpr double kBudget = 256e6;

 private:
  struct Part {
    nn::Model model;
    torch::Tensor parameters;
    double bytes = 0.0;  // at most, for each pixel of an input
    Part(nn::Graph graph, const WeightsFile& weights);
    torch::Tensor operator()(const std::vector<torch::Tensor>& inputs) const;
  };

  Part down_, below_, up_;
  torch::Tensor half_, below_half_;  // features at half size, kept for the next call
  int64_t width_;                    // channels at half size
  int64_t near_reach_;               // pixels at full size that the first and the last part see to each side
  int64_t far_reach_;                // pixels at half size that the other levels see
};

}  // namespace zsr::networks
