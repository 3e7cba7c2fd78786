#include "core/error.h"
#include "image/photo.h"
#include "tests/fuzz/memory_file.h"

// Whatever the bytes are, the loader gives a photo of at most the pixels allowed, or throws zsr::Error; everything else
// is a finding. The libraries that decode are not instrumented; what they do to memory the sanitizer sees all the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 4'000'000;
  const MemoryFile file(data, size);
  try {
    const zsr::Photo photo = zsr::load_photo(file.path(), zsr::ReadLimits{kMostPixels});
    if (photo.color.size(2) * photo.color.size(3) > kMostPixels) std::abort();
  } catch (const zsr::Error&) {
  }
  return 0;
}
