#pragma once

#include "core/weights/weights_file.h"
#include "networks/network.h"

#include <memory>
#include <string>
#include <vector>

namespace zsr::networks {

/// One kind of network: how it is told from its weights and built from them.
struct Kind {
  std::string name;   ///< As -m names it: "edsr".
  std::string title;  ///< Name and source.
  bool (*recognises)(const WeightsFile& weights);
  /// Throws InputError with the first differences where names or shapes do not fit.
  std::unique_ptr<Network> (*build)(const WeightsFile& weights);
};

/// All kinds, in the order in which they are tried.
const std::vector<Kind>& kinds();
/// The kind of that name; null when there is none.
const Kind* find_kind(const std::string& name);
/// The kind whose network the weights are; null when none knows them.
const Kind* recognise(const WeightsFile& weights);

/// The weights without what wrappers put before every name ("module.", "_orig_mod.").
WeightsFile unwrapped(WeightsFile weights);

}  // namespace zsr::networks
