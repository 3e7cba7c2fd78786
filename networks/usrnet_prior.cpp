#include "networks/usrnet_prior.h"

#include "core/huge_pages.h"
#include "networks/windows.h"
#include "nn/geometry.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr size_t kLowest = 3;  // level of the U at an eighth of the size
constexpr Graph::ConvOptions kPlainConv{.bias = false};
constexpr double kCachedBytes = 48e6;  // of the images at full size at a time

std::string part_at(const char* part, size_t level) {
  return fmt::format("{}{}", part, level + 1);
}

// The parts as graphs of their own.
Graph down_graph(const Config& config) {
  Graph g;
  UsrnetPrior prior(g, config);
  g.output(prior.descend(prior.head(g.input(4))), 1);
  return g;
}
Graph below_graph(const Config& config) {
  Graph g;
  UsrnetPrior prior(g, config);
  g.output(prior.below(g.input(config.whole("width2"))), 1);
  return g;
}
Graph up_graph(const Config& config) {
  Graph g;
  UsrnetPrior prior(g, config);
  const Value image = g.input(4);
  g.output(prior.ascend(image, prior.head(image), g.input(config.whole("width2"), 2)), 1);
  return g;
}

// What a model does not use of a file.
WeightsFile used_by(const Graph& graph, const WeightsFile& weights) {
  WeightsFile used = weights;
  std::erase_if(used.tensors, [&](const NamedTensor& entry) { return !graph.find(entry.name); });
  return used;
}

// to[own part] = make(window)[own part] for all windows; `to` has one pixel for `step` of the windows' to each side.
void for_windows(const WindowGrid& grid, int64_t step, const torch::Tensor& to,
                 const std::function<torch::Tensor(const Window& row, const Window& column)>& make) {
  for (const Window& row : grid.rows.all) {
    for (const Window& column : grid.columns.all) {
      const auto own = [&](const torch::Tensor& image, int64_t top, int64_t left) {
        return image.narrow(2, (row.begin - top) / step, (row.end - row.begin) / step)
            .narrow(3, (column.begin - left) / step, (column.end - column.begin) / step);
      };
      own(to, 0, 0).copy_(own(make(row, column), row.read, column.read));
    }
  }
}

torch::Tensor buffer(torch::Tensor& kept, at::IntArrayRef sizes) {
  if (!kept.defined() || kept.sizes() != sizes) {
    kept = torch::empty(sizes);
    prefer_huge_pages(kept.data_ptr(), kept.nbytes());
  }
  return kept;
}

}  // namespace

Value UsrnetPrior::operator()(Value image) {
  const Value full = head(image);
  return ascend(image, full, below(descend(full)));
}

Value UsrnetPrior::head(Value image) {
  return conv("p.m_head", image, width(0), kPlainConv);
}

Value UsrnetPrior::descend(Value head) {
  return halved(0, head);
}

Value UsrnetPrior::below(Value half) {
  std::vector<Value> seen{half};
  for (size_t level = 1; level < kLowest; ++level) seen.push_back(halved(level, seen.back()));
  Value x = residual_blocks(seen.back(), "p.m_body", 0, width(kLowest));
  for (size_t level = kLowest; level-- > 1;) x = doubled(level, x + seen[level]);
  return x + half;
}

Value UsrnetPrior::ascend(Value image, Value head, Value made) {
  const Value x = conv("p.m_tail", doubled(0, made) + head, 3, kPlainConv);
  // Small, so that an untrained network begins as the data steps alone.
  constexpr double kCorrection = 0.05;
  return config_.whole("residual") != 0 ? x * kCorrection + g_.slice(image, 0, 3) : x;
}

int64_t UsrnetPrior::width(size_t level) const {
  return config_.whole(part_at("width", level));
}

Value UsrnetPrior::conv(const std::string& name, Value x, int64_t out, Graph::ConvOptions options) {
  const auto found = made_.find(name);
  if (found != made_.end()) return g_.conv_like(found->second, x);
  return made_[name] = g_.conv(name, x, out, options);
}

// The blocks of a level on the way down, and what leads to the next.
Value UsrnetPrior::halved(size_t level, Value x) {
  const std::string part = part_at("p.m_down", level);
  x = residual_blocks(x, part, 0, width(level));
  return conv(fmt::format("{}.{}", part, blocks_), x, width(level + 1),
              {.side = 2, .stride = 2, .padding = 0, .bias = false});
}

// What leads to a level from below, and its blocks on the way up.
Value UsrnetPrior::doubled(size_t level, Value x) {
  const std::string part = part_at("p.m_up", level);
  const std::string name = part + ".0";
  const auto found = made_.find(name);
  x = found != made_.end() ? g_.conv_like(found->second, x)
                           : made_[name] = g_.transposed_conv(name, x, width(level),
                                                              {.side = 2, .stride = 2, .padding = 0, .bias = false});
  return residual_blocks(x, part, 1, width(level));
}

// Residual blocks `first`, first + 1, ... of a part, without normalisation.
Value UsrnetPrior::residual_blocks(Value x, const std::string& part, int64_t first, int64_t out) {
  for (int64_t i = first; i < first + blocks_; ++i) {
    const std::string name = fmt::format("{}.{}.res", part, i);
    x = x + conv(name + ".2", g_.relu(conv(name + ".0", x, out, kPlainConv)), out, kPlainConv);
  }
  return x;
}

UsrnetPriorRun::Part::Part(Graph graph, const WeightsFile& weights) : model(std::move(graph)) {
  parameters = nn::take_parameters(model.graph(), used_by(model.graph(), weights), "USRNet");
  constexpr int64_t kSide = 128;
  bytes = nn::cost_of(model.graph(), 0, kSide, kSide).peak_bytes / (kSide * kSide);
}

torch::Tensor UsrnetPriorRun::Part::operator()(const std::vector<torch::Tensor>& inputs) const {
  return model.forward(inputs, parameters);
}

UsrnetPriorRun::UsrnetPriorRun(const Config& config, const WeightsFile& weights)
    : down_(down_graph(config), weights),
      below_(below_graph(config), weights),
      up_(up_graph(config), weights),
      width_(config.whole("width2")) {
  // A residual block sees 2 pixels of its level to each side, head and tail see 1 more; a window that begins at whole
  // pixels of the lowest level pairs pixels as the whole image does.
  const int64_t block = 2 * config.whole("blocks");
  near_reach_ = block + 1;
  far_reach_ = block * (2 * (1 + 2) + 4) + 4;
}

void UsrnetPriorRun::run(const torch::Tensor& seen, const torch::Tensor& made, double budget_bytes) {
  const int64_t height = seen.size(2);
  const int64_t width = seen.size(3);
  const auto part_of = [](const torch::Tensor& image, const WindowGrid& grid, const Window& row, const Window& column,
                          int64_t step) {
    return image.narrow(2, row.read / step, grid.rows.size / step)
        .narrow(3, column.read / step, grid.columns.size / step);
  };
  const WindowGrid near = cut_within(height, width, std::min(kCachedBytes, budget_bytes) / up_.bytes, near_reach_, 2);
  const WindowGrid far =
      cut_within(height / 2, width / 2, budget_bytes / below_.bytes, far_reach_, UsrnetPrior::kWhole / 2);
  torch::Tensor half = buffer(half_, {1, width_, height / 2, width / 2});
  for_windows(near, 2, half,
              [&](const Window& row, const Window& column) { return down_({part_of(seen, near, row, column, 1)}); });
  if (far.rows.all.size() * far.columns.all.size() == 1) {
    half = below_({half});
  } else {
    const torch::Tensor below = buffer(below_half_, half.sizes());
    for_windows(far, 1, below,
                [&](const Window& row, const Window& column) { return below_({part_of(half, far, row, column, 1)}); });
    half = below;
  }
  for_windows(near, 1, made, [&](const Window& row, const Window& column) {
    return up_({part_of(seen, near, row, column, 1), part_of(half, near, row, column, 2)});
  });
}

}  // namespace zsr::networks
