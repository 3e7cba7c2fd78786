#pragma once

#include "degradations/step.h"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace zsr {

/// {"op": "jpeg", "quality": 75}: every field of the step, doubles to the last digit.
nlohmann::ordered_json to_json(const Step& step);
nlohmann::ordered_json to_json(const std::vector<Step>& steps);
nlohmann::ordered_json to_json(const KernelSpec& spec);

/// The opposite. Throws InputError for missing, unknown or out-of-range fields.
Step step_from_json(const nlohmann::ordered_json& json);
std::vector<Step> steps_from_json(const nlohmann::ordered_json& json);
KernelSpec kernel_from_json(const nlohmann::ordered_json& json);

}  // namespace zsr
