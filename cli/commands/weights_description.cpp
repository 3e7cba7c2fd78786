#include "cli/commands/weights_description.h"

#include "core/error.h"
#include "degradations/flow_prior.h"
#include "networks/registry.h"
#include "pipeline/methods.h"
#include "pipeline/trained.h"
#include "training/kernel_prior.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace zsr::cli {
namespace {

std::string scales_text(const std::vector<int64_t>& scales, bool takes_kernel) {
  if (takes_kernel && scales.empty()) return "x1 to x4, any kernel";
  return scales.empty() ? "any scale" : fmt::format("x{}", fmt::join(scales, ", x"));
}

// No method runs such a network.
std::string describe_hdr(const networks::Kind& kind, const std::vector<int64_t>& scales, nlohmann::ordered_json* json) {
  if (json != nullptr) {
    *json = {{"method", nullptr}, {"title", kind.title}, {"scales", scales}, {"channels", 3}, {"hdr", true}};
  }
  return fmt::format("{}: {}, Y'CbCr of BT.709 to Y'CbCr of BT.2020 (PQ); 'zsr weights convert' to ONNX", kind.title,
                     scales_text(scales, false));
}

}  // namespace

std::string describe_weights(const WeightsFile& weights, nlohmann::ordered_json* json) {
  const WeightsFile file = networks::unwrapped(weights);
  const auto describe = [&](const std::string& name, const std::string& title, const std::vector<int64_t>& scales,
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
      return describe(pipeline::methods_with(pipeline::Setting::kSrmdMaps).front(), pipeline::title_of(network),
                      {network.scale()}, 3, true);
    }
    if (zssr::Start::is_start(file)) {
      const zssr::Start start = zssr::Start::from_weights(file);
      if (json != nullptr)
        *json = {{"method", pipeline::default_method().name},
                 {"title", "starting point of ZSSR"},
                 {"scales", {start.scale}}};
      return fmt::format("starting point of ZSSR, x{}: {} residual blocks of {} channels; --init", start.scale,
                         start.blocks, start.width);
    }
    if (FlowPrior::is_prior(file)) {
      FlowPrior prior = FlowPrior::from_weights(file);
      const double misfit = training::mean_negative_log_density(prior);
      if (json != nullptr) {
        *json = {{"method", pipeline::methods_with(pipeline::Setting::kKernelPrior).front()},
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
    const auto remark = file.metadata.find("network");
    if (remark != file.metadata.end() && remark->second == "zsr blur predictor") {
      if (json != nullptr) *json = {{"method", nullptr}, {"title", "blur predictor"}};
      return "blur predictor: the blur of a photo from its patches; used by kernel estimates";
    }
    const networks::Kind* const kind = networks::recognise(file);
    if (kind == nullptr) return "of no network that zsr builds";
    const auto network = kind->build(file);
    if (kind->traits.condition == networks::Condition::kMosaic) {
      if (json != nullptr) *json = {{"method", nullptr}, {"title", kind->title}, {"scales", {1}}, {"channels", 3}};
      return fmt::format("{}, for camera raw; zsr develop --weights", kind->title);
    }
    if (kind->traits.gives_hdr) return describe_hdr(*kind, network->traits().scales, json);
    return describe(kind->name, kind->title, network->traits().scales, network->traits().channels,
                    network->traits().takes_kernel);
  } catch (const InputError& error) {
    return error.what();
  }
}

}  // namespace zsr::cli
