#include "core/error.h"
#include "degradations/step_json.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// Steps as recipes and manifests hold them: whatever the text is, the reader gives steps that are written and read
// again alike, or throws zsr::InputError; everything else is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = nlohmann::ordered_json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) return 0;
  try {
    const auto written = zsr::to_json(zsr::steps_from_json(json));
    if (zsr::to_json(zsr::steps_from_json(written)) != written) std::abort();
  } catch (const zsr::InputError&) {
  }
  return 0;
}
