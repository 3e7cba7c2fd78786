#include "cli/trained.h"

#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/error.h"
#include "degradations/flow_prior.h"
#include "networks/prefix_remark.h"
#include "nn/weights/shipped.h"
#include "pipeline/methods.h"
#include "training/kernel_prior.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace zsr::cli {
namespace {

std::string title_of(const srmd::Network& network) {
  if (network.on_edsr()) return "SRMD's maps (Zhang et al. 2018) on EDSR's trunk";
  return network.knows_noise() ? "SRMD (Zhang et al. 2018)" : "SRMDNF (Zhang et al. 2018), without noise";
}

std::string scales_text(const std::vector<int64_t>& scales, bool takes_kernel) {
  if (takes_kernel && scales.empty()) return "x1 to x4, any kernel";
  return scales.empty() ? "any scale" : fmt::format("x{}", fmt::join(scales, ", x"));
}

}  // namespace

std::vector<int64_t> Trained::scales() const {
  if (srmd != nullptr) return {srmd->scale()};
  return network->traits().scales;
}

std::vector<std::string> trained_methods() {
  std::vector<std::string> names = pipeline::methods_with(pipeline::Setting::kWeights);
  names.erase(std::remove(names.begin(), names.end(), "dip-fkp"), names.end());  // has one for its second step
  return names;
}

Trained load_trained(const std::string& method, const std::string& given, const std::string& pca, Scale scale) {
  std::string weights = given;
  if (weights.empty()) weights = fmt::format("{}-light-x{}", method, format_scale(scale));
  if (given.empty() && !is_shipped(weights)) {
    throw UsageError(
        fmt::format("no weights of {} for x{} come with zsr; name a file with --weights", method, format_scale(scale)));
  }
  const WeightsFile file = networks::unwrapped(load_or_shipped(weights));
  Trained made;
  made.weights = weights;
  const bool is_srmd = srmd::is_srmd(file);
  const networks::Kind* const kind = is_srmd || zssr::Start::is_start(file) ? nullptr : networks::recognise(file);
  if (!is_srmd && kind == nullptr) {
    throw InputError(
        fmt::format("'{}' holds the weights of no network that zsr knows ({}); 'zsr weights info' lists "
                    "its tensors",
                    weights, fmt::join(trained_methods(), ", ")));
  }
  made.method = is_srmd ? "srmd" : kind->name;
  if (is_srmd) made.srmd = std::make_unique<srmd::Network>(file);
  made.title = is_srmd ? title_of(*made.srmd) : kind->title;
  if (const auto prefix = file.metadata.find(networks::kPrefixRemark); prefix != file.metadata.end()) {
    made.title += fmt::format(" (of the file's '{}' weights)", prefix->second);
  }
  if (method != "auto" && method != made.method) {
    throw UsageError(fmt::format("'{}' holds {}; use -m {}", weights, made.title, made.method));
  }
  if (is_srmd) {
    const torch::Tensor* const own_basis = file.find("pca");
    if (pca.empty() && own_basis == nullptr) {
      throw UsageError("srmd needs --pca FILE: the kernel basis that it was trained with");
    }
    made.pca = std::make_unique<KernelPca>(pca.empty() ? KernelPca::from_basis(*own_basis, file.origin)
                                                       : KernelPca::load(pca));
  } else {
    if (!pca.empty()) throw UsageError("--pca belongs to -m srmd");
    made.network = kind->build(file);
  }
  return made;
}

std::string describe_weights(const WeightsFile& weights, nlohmann::ordered_json* json) {
  const WeightsFile file = networks::unwrapped(weights);
  const auto tell = [&](const std::string& name, const std::string& title, const std::vector<int64_t>& scales,
                        int64_t channels, bool takes_kernel) {
    if (json != nullptr)
      *json = {
          {"method", name}, {"title", title}, {"scales", scales}, {"channels", channels}, {"kernel", takes_kernel}};
    return fmt::format("{}: {}, {}; -m {}", title, scales_text(scales, takes_kernel), channels == 3 ? "RGB" : "luma",
                       name);
  };
  try {
    if (srmd::is_srmd(file)) {
      const srmd::Network network(file);
      return tell("srmd", title_of(network), {network.scale()}, 3, true);
    }
    if (zssr::Start::is_start(file)) {
      const zssr::Start start = zssr::Start::from_weights(file);
      if (json != nullptr) *json = {{"method", "zssr"}, {"title", "starting point of ZSSR"}, {"scales", {start.scale}}};
      return fmt::format("starting point of ZSSR, x{}: {} residual blocks of {} channels; --init", start.scale,
                         start.blocks, start.width);
    }
    if (FlowPrior::is_prior(file)) {
      FlowPrior prior = FlowPrior::from_weights(file);
      const double misfit = training::mean_negative_log_density(prior);
      if (json != nullptr) {
        *json = {{"method", "dip-fkp"},
                 {"title", "kernel prior"},
                 {"scales", {prior.scale()}},
                 {"negative_log_density", misfit}};
      }
      return fmt::format(
          "flow prior of blur kernels (FKP), x{}: {} x {} pixels, minus log density of drawn kernels {:.1f}; -m "
          "dip-fkp "
          "--prior",
          prior.scale(), prior.side(), prior.side(), misfit);
    }
    const networks::Kind* const kind = networks::recognise(file);
    if (kind == nullptr) return "of no network that zsr builds";
    const auto network = kind->build(file);
    return tell(kind->name, kind->title, network->traits().scales, network->traits().channels,
                network->traits().takes_kernel);
  } catch (const InputError& error) {
    return error.what();
  }
}

}  // namespace zsr::cli
