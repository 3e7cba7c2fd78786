#include "nn/weights/shipped.h"

#include "core/error.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

// The assembler copies the files into the object: no array literal of a million numbers to compile.
#define ZSR_SHIPPED(symbol, name, path)                                                            \
  __asm__(".pushsection .rodata\n.balign 64\n.globl zsr_shipped_" #symbol "\nzsr_shipped_" #symbol \
          ":\n.incbin \"" path "\"\n.globl zsr_shipped_" #symbol "_end\nzsr_shipped_" #symbol      \
          "_end:\n.byte 0\n.popsection\n");                                                        \
  extern "C" {                                                                                     \
  extern const char zsr_shipped_##symbol[];                                                        \
  extern const char zsr_shipped_##symbol##_end[];                                                  \
  }
#include "nn/weights/shipped_list.inc"
#undef ZSR_SHIPPED

namespace zsr {
namespace {

struct Entry {
  std::string_view name;
  std::string_view bytes;
};

const std::vector<Entry>& entries() {
#define ZSR_SHIPPED(symbol, entry_name, path) \
  {entry_name, {zsr_shipped_##symbol, static_cast<size_t>(zsr_shipped_##symbol##_end - zsr_shipped_##symbol)}},
  static const std::vector<Entry> all = {
#include "nn/weights/shipped_list.inc"
  };
#undef ZSR_SHIPPED
  return all;
}

}  // namespace

bool is_shipped(std::string_view name) {
  const auto& names = shipped_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::vector<std::string>& shipped_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : entries()) all.emplace_back(entry.name);
    return all;
  }();
  return names;
}

WeightsFile shipped_weights(std::string_view name) {
  for (const Entry& entry : entries()) {
    if (entry.name == name) return parse_safetensors(entry.bytes, fmt::format("shipped weights {}", name));
  }
  throw OptionError(
      fmt::format("no weights called '{}' come with zsr; there are {}", name, fmt::join(shipped_names(), ", ")));
}

WeightsFile load_or_shipped(const std::string& given) {
  const bool is_name = !std::filesystem::exists(given) && given.find_first_of("./") == std::string::npos;
  return is_name ? shipped_weights(given) : load_weights(given);
}

}  // namespace zsr
