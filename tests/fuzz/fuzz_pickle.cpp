#include "core/error.h"
#include "nn/weights/pickle.h"
#include "nn/weights/torch_file.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Whatever the bytes are, the reader returns or throws zsr::InputError; everything else is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    zsr::read_pickle(bytes, "fuzz");
  } catch (const zsr::InputError&) {
  }
  try {
    zsr::parse_torch_legacy(bytes, "fuzz");
  } catch (const zsr::InputError&) {
  }
  return 0;
}
