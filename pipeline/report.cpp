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

// Each method has its own steps and rate, of which a request names those of one.
nlohmann::json given_steps(const Request& request) {
  return or_null(request.zssr.steps ? request.zssr.steps : request.dip.steps ? request.dip.steps : request.fkp.steps);
}

std::optional<double> given_learning_rate(const Request& request) {
  return request.zssr.learning_rate ? request.zssr.learning_rate : request.dip.learning_rate;
}

// How ZSSR trains; what it used is among the record's settings as a whole.
void add_training(const ZssrRequest& zssr, const MethodOutput& output, nlohmann::ordered_json& fields) {
  const auto add = [&](const char* field, const nlohmann::json& given, const nlohmann::json& used) {
    fields[field] = {{"given", given}, {"chosen", used}, {"used", used}};
  };
  const nlohmann::json& settings = output.record.contains("settings") ? output.record["settings"] : output.record;
  const auto used = [&](const char* field) {
    return settings.contains(field) ? settings[field] : nlohmann::json(nullptr);
  };
  add("preset", zssr.preset == "default" ? nlohmann::json() : nlohmann::json(zssr.preset), zssr.preset);
  const bool start = output.used.is_object() && output.used.contains("start");
  add("init", zssr.init == "auto" ? nlohmann::json() : nlohmann::json(zssr.init),
      start && output.used["start"] != "" ? output.used["start"] : nlohmann::json("none"));
  add("optimizer",
      zssr.step_rule ? nlohmann::json(*zssr.step_rule == zssr::StepRule::kMuon ? "muon" : "adam") : nlohmann::json(),
      used("optimizer"));
  add("training_crop", or_null(zssr.crop), used("crop"));
  add("batch", or_null(zssr.batch), used("batch"));
  add("channels", or_null(zssr.channels), used("width"));
  add("depth", or_null(zssr.depth), used("depth"));
  add("init_variance", or_null(zssr.init_variance), used("init_variance"));
  add("last_init_variance", or_null(zssr.last_init_variance), used("last_init_variance"));
  add("warm_up", or_null(zssr.warm_up_steps), used("warm_up_steps"));
  add("beta2", or_null(zssr.adam_beta2), used("adam_beta2"));
}

const char* to_string(RestoreRequest::Scratches scratches) {
  switch (scratches) {
    case RestoreRequest::Scratches::kKept:
      return "kept";
    case RestoreRequest::Scratches::kFound:
      return "auto";
    case RestoreRequest::Scratches::kMask:
      return "mask";
  }
  return "";
}

}  // namespace

nlohmann::ordered_json report(const Request& asked, const Request& chosen, const std::string& name,
                              const PhotoFormation& formation, const MethodOutput& output, const RunContext& context) {
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
        {Setting::kSteps, "steps", given_steps(asked)},
        {Setting::kLearningRate, "learning_rate", or_null(given_learning_rate(asked))},
        {Setting::kTimeBudget, "time_s", or_null(context.time_budget_s)},
        {Setting::kCircular, "circular", asked.circular}}) {
    if (method.uses(setting)) add(field, given, used(field, given), used(field, given));
  }
  if (method.uses(Setting::kZssrNetwork)) add_training(asked.zssr, output, fields);
  if (method.uses(Setting::kTask))
    add("task", dip::to_string(asked.dip.task), dip::to_string(asked.dip.task), dip::to_string(asked.dip.task));
  if (method.uses(Setting::kWeights)) {
    const std::string weights = asked.trained      ? asked.trained->weights
                                : asked.fkp.usrnet ? asked.fkp.usrnet->weights
                                                   : "";
    const nlohmann::json named = weights.empty() ? nlohmann::json(nullptr) : nlohmann::json(weights);
    add("weights", named, named, named);
  }
  if (method.uses(Setting::kKeepColors)) {
    add("keep_colors", asked.keep_low_frequencies, asked.keep_low_frequencies, asked.keep_low_frequencies);
  }
  if (method.uses(Setting::kRestoration)) {
    add("strength", or_null(asked.restore.strength), chosen.restore.options.strength,
        used("strength", chosen.restore.options.strength));
    add("detail", or_null(asked.restore.options.detail), used("detail", nullptr), used("detail", nullptr));
    add("grain", or_null(asked.restore.options.grain), used("grain", nullptr), used("grain", nullptr));
    add("denoise", or_null(asked.restore.options.denoise), used("denoise", nullptr), used("denoise", nullptr));
    add("dejpeg", or_null(asked.restore.options.dejpeg), used("dejpeg", nullptr), used("dejpeg", nullptr));
    add("adapt", asked.restore.options.adapt, asked.restore.options.adapt, used("adapt", asked.restore.options.adapt));
    add("tone", asked.restore.tone, asked.restore.tone, asked.restore.tone);
    const char* const scratches = to_string(asked.restore.scratches);
    add("scratches", scratches, scratches, scratches);
  }
  return fields;
}

}  // namespace zsr::pipeline
