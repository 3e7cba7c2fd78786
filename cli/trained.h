#pragma once

#include "degradations/kernel_pca.h"
#include "networks/registry.h"
#include "srmd/network.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zsr::cli {

/// A trained network that enlarges photos, read once for all of them.
struct Trained {
  std::string method;  ///< "srmd" or a kind of networks/registry.h.
  std::string title;
  std::string weights;                         ///< File or name, as given.
  std::unique_ptr<networks::Network> network;  ///< Null for srmd.
  std::unique_ptr<srmd::Network> srmd;
  std::unique_ptr<KernelPca> pca;

  bool takes_kernel() const { return srmd != nullptr || network->traits().takes_kernel; }
  /// Factors it knows; empty = any.
  std::vector<int64_t> scales() const;
};

/// Methods that are networks trained beforehand: "srmd", "edsr", ...
std::vector<std::string> trained_methods();

/// Reads `weights` (a file, or a name of shipped ones; empty: those that come with zsr for the method and `scale`).
/// `method` is "auto" (whatever the weights are) or one of
/// `trained_methods`. Throws UsageError, InputError or IoError.
Trained load_trained(const std::string& method, const std::string& weights, const std::string& pca, Scale scale);

/// One line for people: "EDSR (...), x2, RGB", or why the weights are of no network that zsr knows. `json` (may be
/// null) receives the same by parts.
std::string describe_weights(const WeightsFile& weights, nlohmann::ordered_json* json);

}  // namespace zsr::cli
