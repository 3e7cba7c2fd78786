#include "networks/registry.h"

#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/graph_network.h"
#include "networks/prefix_remark.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

namespace zsr::networks {

std::unique_ptr<Network> Kind::build(const WeightsFile& weights) const {
  std::unique_ptr<Network> network =
      special != nullptr ? special(weights) : std::make_unique<GraphNetwork>(*this, weights);
  network->set_origin(weights.origin);
  return network;
}

Config Kind::config_of(const WeightsFile& weights) const {
  std::optional<Config> config = read(weights);
  if (!config) throw InputError(fmt::format("'{}' holds no {}", weights.origin, title));
  return settled == nullptr ? *std::move(config) : settled(*std::move(config), weights);
}

Config Kind::configured(int64_t scale, const std::map<std::string, double>& chosen) const {
  Config config;
  if (all_scales && (!pyramid || scale == 0)) {
    config.scales = trainable_scales;
  } else if (std::find(trainable_scales.begin(), trainable_scales.end(), scale) == trainable_scales.end()) {
    throw OptionError(fmt::format("scale = {}, {} is trained for {}", scale, name, fmt::join(trainable_scales, ", ")));
  } else if (pyramid) {
    std::copy_if(trainable_scales.begin(), trainable_scales.end(), std::back_inserter(config.scales),
                 [&](int64_t smaller) { return smaller <= scale; });
  } else {
    config.scales = {scale};
  }
  for (const Field& field : fields) {
    const auto found = chosen.find(field.name);
    const double value = found == chosen.end() ? field.published : found->second;
    const bool whole = field.multiple == 0 || (value == std::floor(value) && std::llround(value) % field.multiple == 0);
    if (!(value >= field.low && value <= field.high) || !whole) {
      const std::string kind = field.multiple == 0   ? ""
                               : field.multiple == 1 ? "a whole number, "
                                                     : fmt::format("a multiple of {}, ", field.multiple);
      throw OptionError(
          fmt::format("{} = {:g}, must be {}{:g} to {:g}", field.name, value, kind, field.low, field.high));
    }
    config.set(field.name, value);
  }
  for (const auto& [chosen_name, value] : chosen) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == chosen_name; });
    if (!known) {
      std::vector<std::string> names;
      for (const Field& field : fields) names.push_back(field.name);
      throw OptionError(fmt::format("{} has no {}; it has {}", name, chosen_name, fmt::join(names, ", ")));
    }
  }
  return config;
}

const std::vector<Kind>& kinds() {
#define ZSR_CALL(name) name(),
  static const std::vector<Kind> all = {ZSR_NETWORKS(ZSR_CALL)};
#undef ZSR_CALL
  return all;
}

const Kind* find_kind(const std::string& name) {
  const auto& all = kinds();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Kind& kind) { return kind.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const Kind* recognise(const WeightsFile& weights) {
  const auto& all = kinds();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Kind& kind) { return kind.recognises(weights); });
  return found == all.end() ? nullptr : &*found;
}

namespace {

// The tensors whose names begin with `prefix`, without it.
WeightsFile part_of(const WeightsFile& weights, const std::string& prefix) {
  WeightsFile part{weights.origin, weights.format, {}, weights.metadata};
  for (const NamedTensor& entry : weights.tensors) {
    if (entry.name.starts_with(prefix)) part.tensors.push_back({entry.name.substr(prefix.size()), entry.tensor});
  }
  return part;
}

// Beginnings of names up to a dot, those of averaged weights ("..._ema.") first, then longer ones before shorter ones.
std::vector<std::string> prefixes_of(const WeightsFile& weights) {
  constexpr int kDeepest = 4;
  std::set<std::string> found;
  for (const NamedTensor& entry : weights.tensors) {
    size_t dot = entry.name.find('.');
    for (int i = 0; i < kDeepest && dot != std::string::npos; ++i, dot = entry.name.find('.', dot + 1)) {
      found.insert(entry.name.substr(0, dot + 1));
    }
  }
  std::vector<std::string> prefixes(found.begin(), found.end());
  const auto is_average = [](const std::string& prefix) { return prefix.find("ema") != std::string::npos; };
  std::stable_sort(prefixes.begin(), prefixes.end(), [&](const std::string& a, const std::string& b) {
    if (is_average(a) != is_average(b)) return is_average(a);
    return a.size() > b.size();
  });
  return prefixes;
}

}  // namespace

std::optional<Part> find_part(const WeightsFile& weights) {
  for (const Kind& kind : kinds()) {
    if (kind.part_of == nullptr) continue;
    if (std::string name = kind.part_of(weights); !name.empty()) return Part{&kind, std::move(name)};
  }
  return std::nullopt;
}

WeightsFile join_parts(const std::vector<WeightsFile>& files) {
  const std::optional<Part> first = find_part(files.at(0));
  if (!first) {
    throw InputError(fmt::format("'{}' is no part of a network that is published as several files", files[0].origin));
  }
  return first->kind->joined(files);
}

WeightsFile unwrapped(WeightsFile weights) {
  for (const std::string prefix : {"module.", "_orig_mod.", "generator.", "model.module."}) {
    const bool all = !weights.tensors.empty() &&
                     std::all_of(weights.tensors.begin(), weights.tensors.end(),
                                 [&](const NamedTensor& entry) { return entry.name.starts_with(prefix); });
    if (all) weights = part_of(weights, prefix);
  }
  if (recognise(weights) != nullptr) return weights;
  for (const std::string& prefix : prefixes_of(weights)) {
    WeightsFile part = part_of(weights, prefix);
    if (recognise(part) == nullptr) continue;
    part.metadata[kPrefixRemark] = prefix;
    return part;
  }
  return weights;
}

}  // namespace zsr::networks
