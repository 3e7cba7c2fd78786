#include "pipeline/report.h"

#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"

#include <utility>

namespace zsr::pipeline {
namespace {

nlohmann::json typed_text(const Parameter& parameter, const Request& request) {
  if (!request.values.has(parameter.name())) return nullptr;
  return request.values.text(parameter.name());
}

// What was given, chosen and used: the method's own word where it has one.
nlohmann::ordered_json field_of(const Parameter& parameter, const Run& run) {
  nlohmann::json given = parameter.given != nullptr ? parameter.given(run) : typed_text(parameter, run.asked);
  std::optional<nlohmann::json> chosen;
  if (parameter.chosen != nullptr) chosen = parameter.chosen(run);
  const nlohmann::json& said = run.output.used;
  nlohmann::json used = said.is_object() && said.contains(parameter.field) ? said[parameter.field]
                        : parameter.used != nullptr                        ? parameter.used(run)
                                                                           : chosen.value_or(given);
  nlohmann::json choice = chosen.value_or(used);
  return {{"given", std::move(given)}, {"chosen", std::move(choice)}, {"used", std::move(used)}};
}

}  // namespace

nlohmann::ordered_json report(const Request& asked, const Request& chosen, const std::string& name,
                              const PhotoFormation& formation, const MethodOutput& output, const RunContext& context) {
  const Run run{asked, chosen, formation, output, context};
  nlohmann::ordered_json fields;
  fields["method"] = {{"given", asked.method == "auto" ? nlohmann::json(nullptr) : nlohmann::json(asked.method)},
                      {"chosen", name},
                      {"used", name}};
  for (const Parameter& parameter : parameters_of(*find_method(name))) {
    if (!parameter.field.empty()) fields[parameter.field] = field_of(parameter, run);
  }
  if (fields.contains("kernel")) fields["kernel"]["why"] = formation.plan.reason;
  return fields;
}

}  // namespace zsr::pipeline
