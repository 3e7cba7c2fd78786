#include "cli/flags/method_flags.h"

#include "cli/terminal/usage_error.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::cli {
namespace {

using pipeline::Parameter;

const char* gpu_flag(const OptionSet& given) {
  return given.given("device") ? "device" : "gpu";
}

// The help as the table has it, with the default behind it.
std::string about(const Parameter& parameter) {
  if (parameter.shown_default.empty()) return parameter.help;
  return fmt::format("{} [{}]", parameter.help, parameter.shown_default);
}

void add_flag(OptionSet& options, const Parameter& parameter) {
  if (parameter.value.empty()) {
    options.flag(parameter.names, about(parameter));
  } else {
    options.add(parameter.names, parameter.value, about(parameter));
  }
}

}  // namespace

void MethodFlags::add_to(OptionSet& options, const pipeline::Method* method) {
  const auto add = [&](const Parameter& parameter) {
    add_flag(options, parameter);
    names_.push_back(parameter.name());
  };
  std::string group;
  const auto shown = method == nullptr ? pipeline::parameters() : pipeline::parameters_of(*method);
  for (const Parameter& parameter : shown) {
    if (method == nullptr && !parameter.for_open_method) continue;
    if (parameter.group != group) options.group(parameter.group);
    group = parameter.group;
    add(parameter);
  }
  if (method == nullptr) return;
  options.group("Settings of other methods", OptionSet::Shown::kNever);
  for (const Parameter& parameter : pipeline::parameters()) {
    if (!method->uses(parameter.setting)) add(parameter);
  }
}

pipeline::ParameterValues MethodFlags::values(const OptionSet& options) const {
  pipeline::ParameterValues values;
  for (const std::string& name : names_) {
    if (!options.given(name)) continue;
    const std::string text = options.text(name);
    values.set(name, options.is_switch(name) ? "on" : text);
  }
  return values;
}

bool asks_for_gpu(const OptionSet& given) {
  const std::string device = given.text("device");
  const std::string gpu = given.text("gpu");
  return device.starts_with("cuda") || (!gpu.empty() && !gpu.starts_with("-"));
}

void refuse_unused_gpu(const OptionSet& given, const pipeline::Method& method, const std::string& chosen_by) {
  if (!asks_for_gpu(given)) return;
  pipeline::refuse_unless_used(gpu_flag(given), pipeline::Setting::kDevice, method, chosen_by);
}

void refuse_gpu(const OptionSet& given, const std::string& what) {
  if (!asks_for_gpu(given)) return;
  throw UsageError(fmt::format("{} runs on the CPU; leave --{} out", what, gpu_flag(given)));
}

}  // namespace zsr::cli
