#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zsr::cli {

/// One column of a comparison: a method with how it is to be used.
struct MethodSpec {
  std::string name;     ///< "zssr+kernelgan", "edsr (weights.pth)": as typed, but for the folders of files.
  std::string method;   ///< Of `zsr upscale -m`.
  std::string weights;  ///< Empty: those that come with zsr.
  /// "bicubic", "auto" (estimated), "true" (the file of --kernel), a file, or empty (the method's own choice).
  std::string kernel;
  std::vector<std::pair<std::string, std::string>> settings;  ///< Other flags and their values; switches have none.
};

/// "bicubic,edsr,zssr+kernelgan,zssr+true,srmd=FILE,zssr+steps=500": each METHOD, then any number of +SETTING=VALUE or
/// +SWITCH of its parameters (pipeline/parameters/parameter.h), +kernelgan (or +auto) for an estimated kernel or +true
/// for the one of --kernel, then =WEIGHTS. Methods that take a kernel take the bicubic one unless another is named.
/// Throws UsageError for a name that is no method, a setting that it cannot use, and for what is named twice.
std::vector<MethodSpec> parse_methods(const std::string& list);

/// What `zsr upscale` is given beside input and output. `kernel_file`: of --kernel; empty where there is none, then
/// +true is a UsageError.
std::vector<std::string> arguments_of(const MethodSpec& spec, const std::string& kernel_file);

/// Whether the method finds a kernel of its own, by estimation or together with the picture.
bool finds_kernel(const MethodSpec& spec);

}  // namespace zsr::cli
