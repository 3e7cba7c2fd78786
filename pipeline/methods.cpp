#include "pipeline/methods.h"

#include "networks/registry.h"

#include <algorithm>

namespace zsr::pipeline {
namespace {

using enum Setting;

Method method_of(const networks::Kind& kind) {
  Method method{kind.name, kind.title, {kPhase, kEnsemble, kBackProjection, kTile, kWeights, kKeepColors}};
  if (kind.traits.takes_kernel) {
    for (const Setting setting : {kKernel, kKernelConvention, kNoise, kCircular, kSaveKernel})
      method.settings.push_back(setting);
  }
  return method;
}

std::vector<Method> all_methods() {
  std::vector<Method> all{
      {"zssr",
       "ZSSR (Shocher et al. 2018): a small network trained on the photo itself",
       {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kTimeBudget, kDevice, kSteps,
        kLearningRate, kZssrNetwork, kSaveKernel, kLossLog}},
      {"restore", "restoration network for noisy, compressed and soft photos", {kEnsemble, kTile, kRestoration}},
      {"dip",
       "Deep Image Prior (Ulyanov et al. 2018)",
       {kKernel, kKernelConvention, kPhase, kTimeBudget, kDevice, kSteps, kLearningRate, kSaveKernel, kLossLog}},
      {"dip-fkp",
       "DIP-FKP (Liang et al. 2021): picture and kernel together",
       {kKernelConvention, kTimeBudget, kDevice, kSteps, kWeights, kKernelPrior, kSaveKernel, kLossLog}},
      {"bicubic", "bicubic interpolation as MATLAB's imresize", {kPhase}},
      {"srmd",
       "SRMD (Zhang et al. 2018), its own network or on EDSR's trunk",
       {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kWeights, kKeepColors, kSrmdMaps,
        kSaveKernel}}};
  for (const networks::Kind& kind : networks::kinds()) {
    // The others run within methods of their own.
    const bool by_itself = kind.traits.condition == networks::Condition::kNone ||
                           kind.traits.condition == networks::Condition::kDamage || kind.traits.takes_kernel;
    if (by_itself) all.push_back(method_of(kind));
  }
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

const std::vector<Method>& methods() {
  static const std::vector<Method> all = all_methods();
  return all;
}

const Method* find_method(const std::string& name) {
  const auto& all = methods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Method& method) { return method.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> methods_with(Setting setting) {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (method.uses(setting)) names.push_back(method.name);
  }
  return names;
}

}  // namespace zsr::pipeline
