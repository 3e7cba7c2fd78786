#include "core/error.h"
#include "pipeline/parameters/parameter.h"

// Files that are written beside the result; the program that reads the photo writes them.
namespace zsr::pipeline {
namespace {

constexpr const char* kFilesGroup = "Files beside the result";

void check_save_kernel(const Typed&, Request& request) {
  if (request.scale.y == 1.0) throw OptionError("--save-kernel: at the photo's own size no kernel is used");
}

}  // namespace

std::vector<Parameter> file_parameters() {
  return {
      {.names = "save-kernel",
       .value = "FILE",
       .help = "The blur kernel that was used, found or given: .mat, .npy, .txt or .png",
       .group = kFilesGroup,
       .setting = Setting::kSaveKernel,
       .take = check_save_kernel},
      {.names = "loss-log",
       .value = "FILE",
       .help = "The training losses, step by step (.csv)",
       .group = kFilesGroup,
       .setting = Setting::kLossLog},
  };
}

}  // namespace zsr::pipeline
