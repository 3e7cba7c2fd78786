#include "pipeline/methods.h"

#include "core/error.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "pipeline/method_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zsr::pipeline {
namespace {

using enum Setting;

Method method_of(const networks::Kind& kind) {
  Method method{.name = kind.name,
                .title = kind.title,
                .settings = {kPhase, kEnsemble, kBackProjection, kTile, kDevice, kWeights, kKeepColors},
                .blind = kind.traits.takes_kernel,
                .network = true,
                .gives_hdr = kind.traits.gives_hdr,
                .run = run_network,
                .describe = describe_trained};
  if (kind.traits.gives_hdr) {
    // What compares the result with the photo has no meaning where it shows more light than the photo.
    method.settings = {kPhase, kEnsemble, kTile, kDevice, kWeights};
    method.examples =
        "  zsr {0} photo.jpg --weights fdan_x2.pth -o photo.avif\n"
        "  zsr {0} photos/ --weights fdan_x2.pth -o hdr/ --format avif --bit-depth 12\n";
  }
  if (kind.traits.takes_kernel) {
    for (const Setting setting : {kKernel, kKernelConvention, kNoise, kCircular, kSaveKernel})
      method.settings.push_back(setting);
  }
  return method;
}

std::deque<Method> all_methods() {
  std::deque<Method> all{
      {.name = "zssr",
       .title = "ZSSR (Shocher et al. 2018): a small network trained on the photo itself",
       .settings = {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kTimeBudget, kDevice,
                    kSteps, kLearningRate, kZssrNetwork, kSaveKernel, kLossLog},
       .blind = true,
       .run = run_zssr,
       .describe = describe_zssr},
      {.name = "restore",
       .title = "restoration network for noisy, compressed and soft photos",
       .settings = {kEnsemble, kTile, kDevice, kRestoration},
       .run = run_restore,
       .describe = describe_restore,
       .examples = "  zsr {0} photo.jpg\n  zsr {0} scan.png -s 2 --detail 0.5\n"
                   "  zsr {0} scans/ -o clean/ --grain keep\n  zsr {0} old.jpg --scratches auto --tone auto\n"},
      {.name = "dip",
       .title = "Deep Image Prior (Ulyanov et al. 2018)",
       .settings = {kKernel, kKernelConvention, kPhase, kTimeBudget, kDevice, kSteps, kLearningRate, kTask, kSaveKernel,
                    kLossLog},
       .factors = {2, 3, 4, 5, 6, 7, 8},
       .run = run_dip,
       .describe = describe_dip,
       .examples = "  zsr {0} photo.jpg -s 4\n  zsr {0} noisy.png --task denoise\n"
                   "  zsr {0} saved_too_often.jpg --task jpeg -o clean.png\n"
                   "  zsr {0} scratched.png --task inpaint --mask mask.png\n"
                   "  zsr {0} photo.jpg -s 2 --kernel auto --time 5m\n"},
      {.name = "dip-fkp",
       .title = "DIP-FKP (Liang et al. 2021): picture and kernel together",
       .settings = {kKernelConvention, kTimeBudget, kDevice, kSteps, kWeights, kKernelPrior, kSaveKernel, kLossLog},
       .run = run_dip_fkp,
       .describe = describe_dip_fkp,
       .examples = "  zsr {0} photo.png -s 2 --save-kernel kernel.mat\n"},
      {.name = "bicubic",
       .title = "bicubic interpolation as MATLAB's imresize",
       .settings = {kPhase},
       .has_command = false,
       .run = run_bicubic,
       .describe = describe_bicubic},
      {.name = "srmd",
       .title = "SRMD (Zhang et al. 2018), its own network or on EDSR's trunk",
       .settings = {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kDevice, kWeights,
                    kKeepColors, kSrmdMaps, kSaveKernel},
       .blind = true,
       .network = true,
       .run = run_srmd,
       .describe = describe_trained}};
  for (const networks::Kind& kind : networks::kinds()) {
    if (!kind.not_for_photos.empty()) continue;
    // The others run within methods of their own.
    const bool by_itself = kind.traits.condition == networks::Condition::kNone ||
                           kind.traits.condition == networks::Condition::kDamage || kind.traits.takes_kernel;
    if (by_itself) all.push_back(method_of(kind));
  }
  return all;
}

// Rows stay where they are when others are added.
std::deque<Method>& table() {
  static std::deque<Method> all = all_methods();
  return all;
}

}  // namespace

std::string to_string(Setting setting) {
  switch (setting) {
    case kKernel:
      return "kernel";
    case kKernelConvention:
      return "kernel convention";
    case kPhase:
      return "phase";
    case kNoise:
      return "noise";
    case kEnsemble:
      return "ensemble";
    case kBackProjection:
      return "back-projection";
    case kTile:
      return "tile";
    case kTimeBudget:
      return "time budget";
    case kDevice:
      return "CUDA device";
    case kSteps:
      return "steps";
    case kLearningRate:
      return "learning rate";
    case kZssrNetwork:
      return "network and training";
    case kWeights:
      return "weights";
    case kKeepColors:
      return "keep colors";
    case kCircular:
      return "circular";
    case kSrmdMaps:
      return "maps of blur and noise";
    case kKernelPrior:
      return "kernel prior";
    case kTask:
      return "task";
    case kRestoration:
      return "restoration";
    case kSaveKernel:
      return "save kernel";
    case kLossLog:
      return "loss log";
  }
  return "";
}

bool Method::uses(Setting setting) const {
  return std::find(settings.begin(), settings.end(), setting) != settings.end();
}

const std::deque<Method>& methods() {
  return table();
}

void add_method(Method method) {
  if (find_method(method.name) != nullptr) {
    throw OptionError(fmt::format("there is a method '{}' already; take another name", method.name));
  }
  table().push_back(std::move(method));
}

const Method* find_method(const std::string& name) {
  const auto& all = methods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Method& method) { return method.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const Method& default_method() {
  return methods().front();
}

const Method& restoration_method() {
  return *find_method(methods_with(kRestoration).front());
}

const Method& kernel_network_method() {
  return *find_method("usrnet");
}

std::vector<std::string> methods_to_compare(Scale scale) {
  const std::string factor =
      scale.y == scale.x ? fmt::format("{:g}", scale.y) : fmt::format("{:g}x{:g}", scale.x, scale.y);
  std::vector<std::string> names = {"bicubic"};
  for (const char* const trained : {"edsr", "srmd"}) {
    if (is_shipped(fmt::format("{}-light-x{}", trained, factor))) names.emplace_back(trained);
  }
  for (const char* const name : {"zssr", "zssr+kernelgan", "restore"}) names.emplace_back(name);
  return names;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Method& method : methods()) names.push_back(method.name);
  return names;
}

std::vector<std::string> trained_methods() {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (method.network) names.push_back(method.name);
  }
  return names;
}

std::vector<std::string> methods_with(Setting setting) {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (method.uses(setting)) names.push_back(method.name);
  }
  return names;
}

}  // namespace zsr::pipeline
