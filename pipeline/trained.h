#pragma once

#include "degradations/kernel_pca.h"
#include "networks/registry.h"
#include "srmd/network.h"

#include <memory>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// A trained network that enlarges photos, read once for all of them.
struct Trained {
  std::string method;  ///< "srmd" or a kind of networks/registry.h.
  std::string title;
  std::string weights;                         ///< File or name, as given.
  std::unique_ptr<networks::Network> network;  ///< Null for srmd.
  std::unique_ptr<srmd::Network> srmd;
  std::unique_ptr<KernelPca> pca;

  bool takes_kernel() const { return srmd != nullptr || network->traits().takes_kernel; }
  /// Its result stands where the kernel says, so that it need not be moved.
  bool in_phase() const { return srmd == nullptr && network->traits().takes_kernel; }
  /// Whether it takes noise out by a level that it is given.
  bool takes_noise() const { return srmd != nullptr ? srmd->knows_noise() : network->traits().takes_kernel; }
  /// Its result is HDR: Note [HDR values] in image/hdr.h.
  bool gives_hdr() const { return network != nullptr && network->traits().gives_hdr; }
  /// Factors it knows; empty = any.
  std::vector<int64_t> scales() const;
};

/// Reads `weights`, a file or the name of shipped ones; empty: those that come with zsr for the method and `scale`.
/// `method` is "auto" (whatever the weights are) or one of trained_methods(). `pca`: srmd, the kernel basis that it was
/// trained with (file); empty: the weights' own. Throws OptionError, InputError and IoError.
Trained load_trained(const std::string& method, const std::string& weights, const std::string& pca, Scale scale);

/// The network that enlarges by a kernel found elsewhere (USRNet). `weights`: a file or the name of shipped ones.
Trained load_kernel_network(const std::string& weights, Scale scale);

/// "SRMD (Zhang et al. 2018)", or what else the network is.
std::string title_of(const srmd::Network& network);

}  // namespace zsr::pipeline
