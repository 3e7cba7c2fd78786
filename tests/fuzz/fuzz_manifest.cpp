#include "cli/batch/manifest.h"
#include "core/error.h"
#include "core/files.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

// Whatever the lines are, reading gives photos or counts lines as damaged; everything else is a finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "zsr-fuzz-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  zsr::AtomicFile file(folder / "zsr-manifest.jsonl", zsr::Overwrite::kYes, zsr::Flush::kNo);
  file.write(bytes);
  file.commit();
  int64_t damaged = 0;
  for (const auto& [name, photo] : zsr::cli::read_manifests(folder, &damaged)) {
    if (photo.times_done > 0 && !photo.done) std::abort();
  }
  return 0;
}
