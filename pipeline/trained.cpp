#include "pipeline/trained.h"

#include "core/error.h"
#include "networks/prefix_remark.h"
#include "nn/weights/shipped.h"
#include "pipeline/methods.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr::pipeline {
Trained load_kernel_network(const std::string& weights, Scale scale) {
  return load_trained("usrnet", weights, "", scale);
}

std::string title_of(const srmd::Network& network) {
  if (network.on_edsr()) return "SRMD's maps (Zhang et al. 2018) on EDSR's trunk";
  return network.knows_noise() ? "SRMD (Zhang et al. 2018)" : "SRMDNF (Zhang et al. 2018), without noise";
}

std::vector<int64_t> Trained::scales() const {
  if (srmd != nullptr) return {srmd->scale()};
  return network->traits().scales;
}

Trained load_trained(const std::string& method, const std::string& given, const std::string& pca, Scale scale) {
  std::string weights = given;
  if (weights.empty()) weights = fmt::format("{}-light-x{}", method, format_scale(scale));
  if (given.empty() && !is_shipped(weights)) weights = method + "-light";  // one network for all scales
  if (given.empty() && !is_shipped(weights)) {
    throw OptionError(
        fmt::format("no weights of {} for x{} come with zsr; name a file with --weights", method, format_scale(scale)));
  }
  const WeightsFile file = networks::unwrapped(load_or_shipped(weights));
  Trained made;
  made.weights = weights;
  const bool is_srmd = srmd::is_srmd(file);
  const networks::Kind* const kind = is_srmd || zssr::Start::is_start(file) ? nullptr : networks::recognise(file);
  if (const auto part = networks::find_part(file); kind == nullptr && part) {
    throw InputError(fmt::format("'{}' is {} of {} alone; 'zsr weights join' makes one file of all its parts", weights,
                                 part->name, part->kind->title));
  }
  if (!is_srmd && kind == nullptr) {
    throw InputError(
        fmt::format("'{}' holds the weights of no network that zsr knows ({}); 'zsr weights info' lists "
                    "its tensors",
                    weights, fmt::join(trained_methods(), ", ")));
  }
  if (kind != nullptr && !kind->not_for_photos.empty()) {
    throw OptionError(fmt::format("'{}' holds {}: {}", weights, kind->title, kind->not_for_photos));
  }
  made.method = is_srmd ? "srmd" : kind->name;
  if (is_srmd) made.srmd = std::make_unique<srmd::Network>(file);
  made.title = is_srmd ? title_of(*made.srmd) : kind->title;
  if (const auto prefix = file.metadata.find(networks::kPrefixRemark); prefix != file.metadata.end()) {
    made.title += fmt::format(" (of the file's '{}' weights)", prefix->second);
  }
  if (method != "auto" && method != made.method) {
    throw OptionError(fmt::format("'{}' holds {}; use -m {}", weights, made.title, made.method));
  }
  if (is_srmd) {
    const torch::Tensor* const own_basis = file.find("pca");
    if (pca.empty() && own_basis == nullptr) {
      throw OptionError("srmd needs --pca FILE: the kernel basis that it was trained with");
    }
    made.pca = std::make_unique<KernelPca>(pca.empty() ? KernelPca::from_basis(*own_basis, file.origin)
                                                       : KernelPca::load(pca));
  } else {
    if (!pca.empty()) throw OptionError("--pca belongs to -m srmd");
    made.network = kind->build(file);
  }
  return made;
}

}  // namespace zsr::pipeline
