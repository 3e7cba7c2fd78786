#include "training/judge_graph.h"

#include <fmt/format.h>

namespace zsr::training {
namespace {

using nn::Graph;
using nn::Norm;
using nn::Value;

constexpr double kLeak = 0.2;

Graph dsgan(int64_t width) {
  Graph g;
  Value x = g.leaky_relu(g.conv("net.net.0", g.input(3), width, {.side = 5}), kLeak);
  x = g.normalise("net.net.3", g.conv("net.net.2", x, 2 * width, {.side = 5}), Norm::kBatch);
  x = g.leaky_relu(x, kLeak);
  x = g.normalise("net.net.6", g.conv("net.net.5", x, 4 * width, {.side = 5}), Norm::kBatch);
  x = g.leaky_relu(x, kLeak);
  g.output(g.conv("net.net.8", x, 1, {.side = 1}), 1);
  return g;
}

Graph cincgan(int64_t width, bool strided) {
  Graph g;
  Value x = g.affine(g.input(3), 2.0, -1.0);
  const auto conv = [&](int64_t i, int64_t out, int64_t stride) {
    return g.conv(fmt::format("conv{}", i), x, out, {.side = 4, .stride = stride, .padding = 0, .bias = false});
  };
  for (int64_t i = 0; i < 4; ++i) {
    x = conv(i, width << i, strided && i < 3 ? 2 : 1);
    if (i > 0) x = g.normalise(fmt::format("bn{}", i), x, Norm::kBatch);
    x = g.leaky_relu(x, kLeak);
  }
  x = conv(4, 1, 1);
  g.output(g.pool(x, nn::Pooling::kMean), 1);
  return g;
}

}  // namespace

bool is_judge_graph(const std::string& name) {
  return name == "dsgan" || name == "cincgan" || name == "cincgan-strided";
}

Graph judge_graph(const std::string& name, int64_t width) {
  return name == "dsgan" ? dsgan(width) : cincgan(width, name == "cincgan-strided");
}

}  // namespace zsr::training
