#include "cli/commands/weights_description.h"

#include "core/error.h"
#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/blur_regression.h"
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

// A network of the registry, whether a method runs it or not.
std::string describe(const networks::Kind& kind, const networks::Traits& traits, nlohmann::ordered_json* json) {
  const bool runs = kind.not_for_photos.empty();
  if (json != nullptr) {
    *json = {{"method", runs ? nlohmann::ordered_json(kind.name) : nlohmann::ordered_json()},
             {"title", kind.title},
             {"scales", traits.scales},
             {"channels", traits.channels},
             {"kernel", traits.takes_kernel}};
    if (traits.gives_hdr) (*json)["hdr"] = true;
  }
  const char* const colours = traits.gives_hdr       ? "Y'CbCr of BT.709 to Y'CbCr of BT.2020 (PQ)"
                              : traits.channels == 3 ? "RGB"
                                                     : "luma";
  return fmt::format("{}: {}, {}; {}", kind.title, scales_text(traits.scales, traits.takes_kernel), colours,
                     runs ? "-m " + kind.name : kind.not_for_photos);
}

}  // namespace

std::string describe_weights(const WeightsFile& weights, nlohmann::ordered_json* json) {
  const WeightsFile file = networks::unwrapped(weights);
  try {
    if (srmd::is_srmd(file)) {
      const srmd::Network network(file);
      const std::string method = pipeline::methods_with(pipeline::Setting::kSrmdMaps).front();
      if (json != nullptr) {
        *json = {{"method", method},
                 {"title", pipeline::title_of(network)},
                 {"scales", {network.scale()}},
                 {"channels", 3},
                 {"kernel", true}};
      }
      return fmt::format("{}: x{}, RGB; -m {}", pipeline::title_of(network), network.scale(), method);
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
    if (blur::BlurPredictor::is_predictor(file)) {
      if (json != nullptr) *json = {{"method", nullptr}, {"title", "blur predictor"}};
      return "blur predictor: the blur of a photo from its patches; used by kernel estimates";
    }
    if (blur::BlurRegression::is_regression(file)) {
      if (json != nullptr) *json = {{"method", nullptr}, {"title", "blur regression"}};
      return "blur regression: the blur of a photo, and the error to expect, from patches and spectrum; used by kernel "
             "estimates";
    }
    const networks::Kind* const kind = networks::recognise(file);
    if (const auto part = networks::find_part(file); kind == nullptr && part) {
      return fmt::format("{} of {}; 'zsr weights join' makes one file of all its parts", part->name, part->kind->title);
    }
    if (kind == nullptr) return "of no network that zsr builds";
    return describe(*kind, kind->build(file)->traits(), json);
  } catch (const InputError& error) {
    return error.what();
  }
}

}  // namespace zsr::cli
