#include "pipeline/methods.h"

#include "core/error.h"
#include "nn/weights/shipped.h"
#include "pipeline/methods/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zsr::pipeline {
namespace {

std::deque<Method> all_methods() {
  std::deque<Method> all{zssr_method(),    restore_method(), dip_method(),
                         dip_fkp_method(), bicubic_method(), srmd_method()};
  for (Method& method : network_methods()) all.push_back(std::move(method));
  return all;
}

// Rows stay where they are when others are added.
std::deque<Method>& table() {
  static std::deque<Method> all = all_methods();
  return all;
}

}  // namespace

std::string to_string(Setting setting) {
  using enum Setting;
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
  return *find_method(methods_with(Setting::kRestoration).front());
}

const Method& kernel_network_method() {
  return *find_method(methods_with(Setting::kCircular).front());
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
