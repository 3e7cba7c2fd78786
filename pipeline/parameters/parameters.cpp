#include "core/error.h"
#include "pipeline/parameters/parameter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr::pipeline {
namespace {

std::vector<Parameter> joined() {
  std::vector<Parameter> all;
  for (auto rows : {formation_parameters(), restore_parameters(), pass_parameters(), training_parameters(),
                    zssr_parameters(), dip_parameters(), network_parameters(), file_parameters()}) {
    std::move(rows.begin(), rows.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all = joined();
  return all;
}

std::vector<Parameter> parameters_of(const Method& method) {
  std::vector<Parameter> own;
  std::copy_if(parameters().begin(), parameters().end(), std::back_inserter(own),
               [&](const Parameter& parameter) { return method.uses(parameter.setting); });
  if (method.parameters) {
    for (Parameter& parameter : method.parameters()) own.push_back(std::move(parameter));
  }
  return own;
}

void take_parameters(const ParameterValues& values, const Method& method, const ReadLimits& limits, Request& request) {
  request.values = values;
  const Typed typed{values, method, limits};
  for (const Parameter& parameter : parameters_of(method)) {
    if (parameter.take != nullptr && values.has(parameter.name())) parameter.take(typed, request);
  }
  request.zero_shot = names_zero_shot(values);
  request.training = names_more_than(values, kernel_network_method());
}

void refuse_unless_used(const std::string& flag, Setting setting, const Method& method, const std::string& chosen_by) {
  if (method.uses(setting)) return;
  const auto able = methods_with(setting);
  constexpr size_t kNamed = 4;
  const std::vector<std::string> named(able.begin(), able.begin() + static_cast<long>(std::min(kNamed, able.size())));
  throw OptionError(fmt::format("{} cannot use --{}{}; leave it out (it is for {}{})", method.name, flag,
                                chosen_by.empty() ? "" : fmt::format(" ({} was chosen by {})", method.name, chosen_by),
                                fmt::join(named, ", "), able.size() > kNamed ? ", ..." : ""));
}

void refuse_unused(const ParameterValues& values, const Method& method, const std::string& chosen_by) {
  for (const Parameter& parameter : parameters()) {
    if (values.has(parameter.name())) {
      refuse_unless_used(parameter.name(), parameter.setting, method, chosen_by);
    }
  }
}

std::string first_named(const ParameterValues& values, Setting setting) {
  for (const Parameter& parameter : parameters()) {
    const std::string name = parameter.name();
    if (parameter.setting == setting && values.has(name) && values.text(name) != "off") return "--" + name;
  }
  return "";
}

bool names_zero_shot(const ParameterValues& values) {
  const Method& restoration = restoration_method();
  const Method& zero_shot = default_method();
  return std::any_of(parameters().begin(), parameters().end(), [&](const Parameter& parameter) {
    return parameter.setting != Setting::kTimeBudget && values.has(parameter.name()) &&
           zero_shot.uses(parameter.setting) && !restoration.uses(parameter.setting);
  });
}

bool names_more_than(const ParameterValues& values, const Method& method) {
  return std::any_of(parameters().begin(), parameters().end(), [&](const Parameter& parameter) {
    return values.has(parameter.name()) && !method.uses(parameter.setting);
  });
}

bool task_keeps_size(const ParameterValues& values, const Method& method) {
  return method.uses(Setting::kTask) && values.has("task") && values.text("task") != "sr";
}

}  // namespace zsr::pipeline
