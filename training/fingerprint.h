#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::training {

/// What two sets of settings disagree about, "patch 32 instead of 48, seed 1 instead of 2"; empty where they agree. A
/// run goes on from a checkpoint only with the settings that it began with.
std::string differences(const nlohmann::ordered_json& there, const nlohmann::ordered_json& here);

}  // namespace zsr::training
