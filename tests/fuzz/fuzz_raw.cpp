#include "core/error.h"
#include "raw/noise_fit.h"
#include "raw/raw_file.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Whatever the bytes are, the reader gives a mosaic of at most the pixels allowed, or throws zsr::InputError;
// everything else is a finding. LibRaw is not instrumented; what it does to memory the sanitizer sees all the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 4'000'000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const zsr::raw::RawPhoto photo = zsr::raw::read_raw_bytes(bytes, "fuzz", {kMostPixels});
    if (photo.values.height * photo.values.width > kMostPixels) std::abort();
    zsr::raw::fit_noise(photo.values, photo.pattern);
  } catch (const zsr::InputError&) {
  }
  return 0;
}
