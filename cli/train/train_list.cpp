#include "cli/train/train_list.h"

#include "core/json_bytes.h"
#include "networks/registry.h"
#include "nn/geometry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace zsr::cli {
namespace {

// Costs are measured on an input of this side, so that borders and coarse grids count little.
constexpr int64_t kSide = 96;

struct Row {
  int64_t parameters = 0;
  double multiplications = 0.0;  // per pixel of the network's input
  std::optional<int64_t> radius;
};

Row row_of(const networks::Kind& kind) {
  const int64_t scale = kind.trainable_scales.front();
  const nn::Graph graph = kind.graph(kind.configured(scale, {}));
  const int64_t output = kind.traits.takes_enlarged ? 1 : scale;
  return {graph.parameter_count(),
          nn::cost_of(graph, output, kSide, kSide).multiplications / static_cast<double>(kSide * kSide),
          nn::receptive_radius(graph, output)};
}

}  // namespace

void print_networks(bool json) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  if (!json) {
    fmt::print("{:<11} {:>11} {:>12} {:>7}  {:<14} {}\n", "network", "parameters", "mult/pixel", "radius", "scales",
               "title");
  }
  for (const networks::Kind& kind : networks::kinds()) {
    if (!kind.trains()) {
      if (json) {
        list.push_back({{"network", kind.name}, {"title", kind.title}, {"trained", false}});
      } else {
        fmt::print("{:<11} {:>11} {:>12} {:>7}  {:<14} {}; not trained here\n", kind.name, "-", "-", "-", "-",
                   kind.title);
      }
      continue;
    }
    const Row row = row_of(kind);
    const std::string scales = fmt::format("{}{}", fmt::join(kind.trainable_scales, " "),
                                           kind.all_scales && kind.trainable_scales.size() > 1 ? " together" : "");
    if (json) {
      nlohmann::ordered_json fields = nlohmann::ordered_json::object();
      for (const networks::Field& field : kind.fields) fields[field.name] = field.published;
      list.push_back({{"network", kind.name},
                      {"title", kind.title},
                      {"trained", true},
                      {"parameters", row.parameters},
                      {"multiplications_per_pixel", row.multiplications},
                      {"scales", kind.trainable_scales},
                      {"channels", kind.traits.channels},
                      {"fields", fields}});
      list.back()["radius"] = row.radius ? nlohmann::ordered_json(*row.radius) : nlohmann::ordered_json(nullptr);
    } else {
      fmt::print("{:<11} {:>11} {:>12.0f} {:>7}  {:<14} {}{}\n", kind.name, row.parameters, row.multiplications,
                 row.radius ? std::to_string(*row.radius) : "whole", scales, kind.title,
                 kind.traits.channels == 1 ? ", luma" : "");
    }
  }
  if (json) {
    fmt::print("{}\n", json_text(nlohmann::ordered_json{{"command", "train"}, {"networks", list}}, 2));
  } else {
    fmt::print(
        "Parameters and multiplications (for each pixel of the network's input) are those of the published\n"
        "configuration at the first scale; 'zsr train NETWORK --help' lists what can be chosen.\n");
  }
}

}  // namespace zsr::cli
