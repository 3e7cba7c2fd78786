#include "pipeline/report.h"

#include "pipeline/methods.h"

namespace zsr::pipeline {

std::string phase_name(const std::optional<Phase>& phase) {
  if (!phase) return "center";
  return phase->y == 0.0 && phase->x == 0.0 ? "corner" : "kernel";
}
namespace {

template <typename Value>
nlohmann::json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json given_kernel(const Request& request) {
  switch (request.kernel.source) {
    case KernelRequest::Source::kDefault:
      return nullptr;
    case KernelRequest::Source::kBicubic:
      return "bicubic";
    case KernelRequest::Source::kEstimated:
      return "auto";
    case KernelRequest::Source::kGiven:
      return request.kernel.name;
  }
  return nullptr;
}

nlohmann::json given_noise(const Request& request) {
  switch (request.noise.source) {
    case NoiseRequest::Source::kDefault:
      return nullptr;
    case NoiseRequest::Source::kEstimated:
      return "auto";
    case NoiseRequest::Source::kGiven:
      return request.noise.sigma;
  }
  return nullptr;
}

std::string used_kernel_name(const PhotoFormation& formation) {
  if (formation.record.is_object() && formation.record.contains("kernel")) {
    return formation.record["kernel"]["used"].get<std::string>();
  }
  return formation.plan.kernel_name;
}

}  // namespace

nlohmann::ordered_json report(const Request& asked, const Request& chosen, const std::string& name,
                              const PhotoFormation& formation, const MethodOutput& output) {
  const Method& method = *find_method(name);
  nlohmann::ordered_json fields;
  const auto add = [&](const char* field, nlohmann::json given, nlohmann::json choice, nlohmann::json used) {
    fields[field] = {{"given", std::move(given)}, {"chosen", std::move(choice)}, {"used", std::move(used)}};
  };
  // What a method says that it used, or what was chosen.
  const auto used = [&](const char* field, const nlohmann::json& choice) {
    return output.used.is_object() && output.used.contains(field) ? output.used[field] : choice;
  };
  const bool open = asked.method == "auto";
  add("method", open ? nlohmann::json(nullptr) : nlohmann::json(asked.method), name, name);
  if (method.uses(Setting::kKernel)) {
    add("kernel", given_kernel(asked), formation.plan.kernel_name, used_kernel_name(formation));
    fields["kernel"]["why"] = formation.plan.reason;
  }
  if (method.uses(Setting::kNoise)) {
    const nlohmann::json choice =
        formation.plan.estimate_noise ? nlohmann::json("auto") : nlohmann::json(formation.plan.noise);
    add("noise", given_noise(asked), choice, used("noise", formation.noise));
  }
  if (method.uses(Setting::kPhase)) {
    const std::string name_of_phase = phase_name(asked.phase);
    add("phase", asked.phase ? nlohmann::json(name_of_phase) : nlohmann::json(nullptr), name_of_phase, name_of_phase);
  }
  for (const auto& [setting, field, given] :
       {std::tuple{Setting::kEnsemble, "ensemble", or_null(asked.ensemble)},
        {Setting::kBackProjection, "back_projection", or_null(asked.back_projection)},
        {Setting::kTile, "tile", asked.tile > 0 ? nlohmann::json(asked.tile) : nlohmann::json(nullptr)},
        {Setting::kSteps, "steps", or_null(asked.zssr.steps ? asked.zssr.steps : asked.dip.steps)}}) {
    if (method.uses(setting)) add(field, given, used(field, given), used(field, given));
  }
  if (method.uses(Setting::kKeepColors)) {
    add("keep_colors", asked.keep_low_frequencies, asked.keep_low_frequencies, asked.keep_low_frequencies);
  }
  if (method.uses(Setting::kRestoration)) {
    add("strength", or_null(asked.restore.strength), chosen.restore.options.strength,
        used("strength", chosen.restore.options.strength));
    add("detail", or_null(asked.restore.options.detail), used("detail", nullptr), used("detail", nullptr));
    add("grain", or_null(asked.restore.options.grain), used("grain", nullptr), used("grain", nullptr));
  }
  return fields;
}

}  // namespace zsr::pipeline
