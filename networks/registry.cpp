#include "networks/registry.h"

#include "networks/all_kinds.h"

#include <algorithm>

namespace zsr::networks {

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {edsr(), mdsr(), srresnet(), usrnet(), rrdb(),   srvgg(), imdn(),
                                        rfdn(), carn(), vdsr(),     srcnn(),  fsrcnn(), espcn(), restorer()};
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

WeightsFile unwrapped(WeightsFile weights) {
  for (const std::string prefix : {"module.", "_orig_mod.", "generator.", "model.module."}) {
    const bool all = !weights.tensors.empty() &&
                     std::all_of(weights.tensors.begin(), weights.tensors.end(),
                                 [&](const NamedTensor& entry) { return entry.name.starts_with(prefix); });
    if (!all) continue;
    for (NamedTensor& entry : weights.tensors) entry.name.erase(0, prefix.size());
  }
  return weights;
}

}  // namespace zsr::networks
