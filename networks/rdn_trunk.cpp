#include "networks/rdn_trunk.h"

#include <fmt/format.h>

#include <vector>

namespace zsr::networks {
namespace {

constexpr RdnNames kRdnNames{"sfe1", "sfe2", "rdbs.{}.layers.{}.conv", "rdbs.{}.lff", "gff.{}", "upscale."};
constexpr RdnNames kRdnEdsrNames{"SFENet1", "SFENet2", "RDBs.{}.convs.{}.conv.0", "RDBs.{}.LFF", "GFF.{}", "UPNet."};

template <typename... Numbers>
std::string rdn_name(const char* pattern, Numbers... numbers) {
  return fmt::format(fmt::runtime(pattern), numbers...);
}

}  // namespace

const RdnNames& rdn_names(const Config& config) {
  return config.naming == "edsr" ? kRdnEdsrNames : kRdnNames;
}

nn::Value rdn_trunk(nn::Graph& g, nn::Value image, const Config& config) {
  const RdnNames& names = rdn_names(config);
  const int64_t width = config.whole("width");
  const nn::Value first = g.conv(names.first, image, width);
  nn::Value x = g.conv(names.second, first, width);
  std::vector<nn::Value> made;
  for (int64_t b = 0; b < config.whole("depth"); ++b) {
    nn::Value dense = x;
    for (int64_t i = 0; i < config.whole("layers"); ++i) {
      dense = g.concat({dense, g.relu(g.conv(rdn_name(names.layer, b, i), dense, config.whole("growth")))});
    }
    made.push_back(x = g.conv(rdn_name(names.fusion, b), dense, width, {.side = 1}) + x);
  }
  x = g.conv(rdn_name(names.joined, 0), made.size() == 1 ? made[0] : g.concat(made), width, {.side = 1});
  return g.conv(rdn_name(names.joined, 1), x, width) + first;
}

bool read_rdn_trunk(const FileShapes& shapes, Config& config) {
  config.naming = shapes.has("SFENet1.weight") ? "edsr" : "";
  const RdnNames& names = rdn_names(config);
  const std::string first = rdn_name(names.layer, 0, 0) + ".weight";
  if (!shapes.has(first) || !shapes.has(rdn_name(names.fusion, 0) + ".weight")) return false;
  int64_t blocks = 0;
  while (shapes.has(rdn_name(names.fusion, blocks) + ".weight")) ++blocks;
  int64_t layers = 0;
  while (shapes.has(rdn_name(names.layer, 0, layers) + ".weight")) ++layers;
  config.channels = shapes.photo_channels(names.first);
  config.set("width", static_cast<double>(shapes.size(std::string(names.first) + ".weight", 0)));
  config.set("growth", static_cast<double>(shapes.size(first, 0)));
  config.set("depth", static_cast<double>(blocks));
  config.set("layers", static_cast<double>(layers));
  return true;
}

}  // namespace zsr::networks
