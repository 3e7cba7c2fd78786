#include "networks/edsr_trunk.h"

#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {

nn::Value edsr_trunk(nn::Graph& g, nn::Value x, const EdsrTrunk& t) {
  const nn::Graph::ConvOptions options{.bias = t.bias};
  const char* const first = t.basicsr_names ? "body.{}.conv1" : "body.{}.body.0";
  const char* const second = t.basicsr_names ? "body.{}.conv2" : "body.{}.body.2";
  const std::string last = t.basicsr_names ? "conv_after_body" : fmt::format("body.{}", t.blocks);
  const nn::Value head = g.conv(t.basicsr_names ? "conv_first" : "head.0", x, t.width, options);
  nn::Value trunk = head;
  for (int64_t i = 0; i < t.blocks; ++i) {
    const nn::Value inner = g.relu(g.conv(fmt::format(fmt::runtime(first), i), trunk, t.width, options));
    trunk = trunk + t.residual_scale * g.conv(fmt::format(fmt::runtime(second), i), inner, t.width, options);
  }
  return head + g.conv(last, trunk, t.width, options);
}

nn::Value edsr_tail(nn::Graph& g, nn::Value x, const EdsrTrunk& t, int64_t scale) {
  x = shuffled_up(g, x, t.basicsr_names ? "upsample." : "tail.0.", scale);
  return g.conv(t.basicsr_names ? "conv_last" : "tail.1", x, t.channels);
}

}  // namespace zsr::networks
