#include "cli/compare/method_spec.h"

#include "cli/flags/values.h"
#include "cli/terminal/usage_error.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace zsr::cli {
namespace {

MethodSpec parse_one(const std::string& text) {
  MethodSpec spec;
  spec.name = text;
  std::string rest = text;
  if (const size_t equals = rest.find('='); equals != std::string::npos) {
    spec.weights = rest.substr(equals + 1);
    rest.resize(equals);
    spec.name = fmt::format("{} ({})", rest, std::filesystem::path(spec.weights).filename().string());
    if (spec.weights.empty()) throw UsageError(fmt::format("'{}' names no weights behind '='", text));
  }
  std::string addition;
  if (const size_t plus = rest.find('+'); plus != std::string::npos) {
    addition = rest.substr(plus + 1);
    rest.resize(plus);
  }
  spec.method = rest;
  const pipeline::Method* const method = pipeline::find_method(rest);
  if (method == nullptr) {
    throw UsageError(fmt::format("'{}' is no method; there are {}", rest, fmt::join(pipeline::method_names(), ", ")));
  }
  if (method->gives_hdr) {
    throw UsageError(fmt::format("'{}' makes HDR of photos, which cannot be compared with them", rest));
  }
  const bool takes_kernel = method->uses(pipeline::Setting::kKernel);
  if (!addition.empty() && addition != "kernelgan" && addition != "auto" && addition != "true") {
    throw UsageError(
        fmt::format("'{}': behind '+' stands kernelgan (an estimated kernel) or true (that of --kernel)", text));
  }
  if (!addition.empty() && !takes_kernel) throw UsageError(fmt::format("'{}': {} takes no kernel", text, rest));
  if (takes_kernel) spec.kernel = addition.empty() ? "bicubic" : addition == "true" ? "true" : "auto";
  return spec;
}

}  // namespace

std::vector<MethodSpec> parse_methods(const std::string& list) {
  std::vector<MethodSpec> specs;
  for (const std::string& text : split_list(list)) {
    if (text.empty()) continue;
    MethodSpec spec = parse_one(text);
    const bool twice =
        std::any_of(specs.begin(), specs.end(), [&](const MethodSpec& other) { return other.name == spec.name; });
    if (twice) throw UsageError(fmt::format("-m names '{}' twice", spec.name));
    specs.push_back(std::move(spec));
  }
  if (specs.empty()) throw UsageError("-m names no method; e.g. -m bicubic,edsr,zssr,zssr+kernelgan");
  return specs;
}

std::vector<std::string> arguments_of(const MethodSpec& spec, const std::string& kernel_file) {
  std::vector<std::string> arguments = {"-m", spec.method};
  if (!spec.weights.empty()) arguments.insert(arguments.end(), {"--weights", spec.weights});
  if (spec.kernel == "true") {
    if (kernel_file.empty()) throw UsageError(fmt::format("'{}' needs --kernel FILE", spec.name));
    arguments.insert(arguments.end(), {"--kernel", kernel_file, "--noise", "0"});
  } else if (spec.kernel == "auto") {
    arguments.insert(arguments.end(), {"--kernel", "auto"});
  } else if (spec.kernel == "bicubic") {
    arguments.insert(arguments.end(), {"--kernel", "bicubic"});
  }
  return arguments;
}

bool finds_kernel(const MethodSpec& spec) {
  const pipeline::Method* const method = pipeline::find_method(spec.method);
  return spec.kernel == "auto" || (method != nullptr && method->uses(pipeline::Setting::kKernelPrior));
}

}  // namespace zsr::cli
