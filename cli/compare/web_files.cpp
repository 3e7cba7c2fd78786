#include "cli/compare/web_files.h"

#include "core/error.h"

#include <fmt/format.h>

// The assembler copies the files into the object.
#define ZSR_WEB(symbol, name)                                                                                          \
  __asm__(".pushsection .rodata\n.globl zsr_web_" #symbol "\nzsr_web_" #symbol ":\n.incbin \"" ZSR_WEB_FOLDER "/" name \
          "\"\n.globl zsr_web_" #symbol "_end\nzsr_web_" #symbol "_end:\n.byte 0\n.popsection\n");                     \
  extern "C" {                                                                                                         \
  extern const char zsr_web_##symbol[];                                                                                \
  extern const char zsr_web_##symbol##_end[];                                                                          \
  }
ZSR_WEB(page, "report.html")
ZSR_WEB(style, "report.css")
ZSR_WEB(script, "report.js")
ZSR_WEB(slider_style, "vendor/img-comparison-slider.css")
ZSR_WEB(slider_script, "vendor/img-comparison-slider.js")
ZSR_WEB(panzoom_script, "vendor/panzoom.min.js")
ZSR_WEB(plot_style, "vendor/uPlot.min.css")
ZSR_WEB(plot_script, "vendor/uPlot.iife.min.js")
ZSR_WEB(sortable_script, "vendor/sortable.min.js")
ZSR_WEB(sortable_keys_script, "vendor/sortable.a11y.min.js")
#undef ZSR_WEB

namespace zsr::cli {

std::string_view web_file(std::string_view name) {
  struct Entry {
    std::string_view name;
    const char* begin;
    const char* end;
  };
#define ZSR_ENTRY(symbol, name) \
  { name, zsr_web_##symbol, zsr_web_##symbol##_end }
  static const Entry entries[] = {
      ZSR_ENTRY(page, "report.html"),
      ZSR_ENTRY(style, "report.css"),
      ZSR_ENTRY(script, "report.js"),
      ZSR_ENTRY(slider_style, "vendor/img-comparison-slider.css"),
      ZSR_ENTRY(slider_script, "vendor/img-comparison-slider.js"),
      ZSR_ENTRY(panzoom_script, "vendor/panzoom.min.js"),
      ZSR_ENTRY(plot_style, "vendor/uPlot.min.css"),
      ZSR_ENTRY(plot_script, "vendor/uPlot.iife.min.js"),
      ZSR_ENTRY(sortable_script, "vendor/sortable.min.js"),
      ZSR_ENTRY(sortable_keys_script, "vendor/sortable.a11y.min.js"),
  };
#undef ZSR_ENTRY
  for (const Entry& entry : entries) {
    if (entry.name == name) return {entry.begin, static_cast<size_t>(entry.end - entry.begin)};
  }
  throw OptionError(fmt::format("the program holds no file '{}'", name));
}

}  // namespace zsr::cli
