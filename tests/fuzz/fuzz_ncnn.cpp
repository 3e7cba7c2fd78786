#include "core/error.h"
#include "nn/weights/ncnn_file.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

// Whatever the bytes are, the reader returns or throws zsr::InputError; everything else is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The text ends at the first zero byte, the values follow.
  const size_t end = bytes.find('\0');
  if (end == std::string_view::npos) return 0;
  try {
    zsr::parse_ncnn(bytes.substr(0, end), bytes.substr(end + 1), "fuzz");
  } catch (const zsr::InputError&) {
  }
  return 0;
}
