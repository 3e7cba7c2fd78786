#pragma once

#include "pipeline/method_run.h"

#include <nlohmann/json.hpp>

#include <string>

namespace zsr::pipeline {

/// For each setting that `method` can use, an object with what was given (null: nothing), what was chosen before the
/// work and what was used. `asked`: the request as it came; `chosen`: with what the photo decided.
nlohmann::ordered_json report(const Request& asked, const Request& chosen, const std::string& method,
                              const PhotoFormation& formation, const MethodOutput& output, const RunContext& context);

}  // namespace zsr::pipeline
