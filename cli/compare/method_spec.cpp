#include "cli/compare/method_spec.h"

#include "cli/terminal/usage_error.h"
#include "core/values.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace zsr::cli {
namespace {

const pipeline::Method& method_named(const std::string& name) {
  const pipeline::Method* const method = pipeline::find_method(name);
  if (method == nullptr) {
    throw UsageError(fmt::format("'{}' is no method; there are {}", name, fmt::join(pipeline::method_names(), ", ")));
  }
  if (method->gives_hdr) {
    throw UsageError(fmt::format("'{}' makes HDR of photos, which cannot be compared with them", name));
  }
  return *method;
}

// A setting of the method's own table, "steps=500" or "adapt".
void add_setting(const std::string& text, const pipeline::Method& method, const std::string& name,
                 const std::string& value, MethodSpec& spec) {
  const auto table = pipeline::parameters_of(method);
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const pipeline::Parameter& parameter) { return parameter.name() == name; });
  if (found == table.end()) {
    throw UsageError(fmt::format(
        "'{}': {} has no setting '{}'; behind '+' stands kernelgan (an estimated kernel), true (that of --kernel), or "
        "a flag of 'zsr {} --help' without its dashes",
        text, method.name, name, method.name));
  }
  if (found->value.empty() != value.empty()) {
    throw UsageError(found->value.empty()
                         ? fmt::format("'{}': {} takes no value", text, name)
                         : fmt::format("'{}': {} needs a value, {}={}", text, name, name, found->value));
  }
  if (name == "kernel") {
    spec.kernel = value;
  } else if (name == "weights") {
    spec.weights = value;
  } else {
    spec.settings.emplace_back(name, value);
  }
}

MethodSpec parse_one(const std::string& text) {
  MethodSpec spec;
  spec.name = text;
  size_t at = std::min(text.find_first_of("+="), text.size());
  spec.method = text.substr(0, at);
  const pipeline::Method& method = method_named(spec.method);
  const bool takes_kernel = method.uses(pipeline::Setting::kKernel);
  if (takes_kernel) spec.kernel = "bicubic";
  while (at < text.size() && text[at] == '+') {
    const size_t end = std::min(text.find_first_of("+=", at + 1), text.size());
    const std::string name = text.substr(at + 1, end - at - 1);
    at = end;
    if (name == "kernelgan" || name == "auto" || name == "true") {
      if (!takes_kernel) throw UsageError(fmt::format("'{}': {} takes no kernel", text, method.name));
      spec.kernel = name == "true" ? "true" : "auto";
      continue;
    }
    std::string value;
    if (at < text.size() && text[at] == '=') {
      at = std::min(text.find('+', end), text.size());
      value = text.substr(end + 1, at - end - 1);
    }
    add_setting(text, method, name, value, spec);
  }
  if (at < text.size()) {
    spec.weights = text.substr(at + 1);
    if (spec.weights.empty()) throw UsageError(fmt::format("'{}' names no weights behind '='", text));
    spec.name = fmt::format("{} ({})", text.substr(0, at), std::filesystem::path(spec.weights).filename().string());
  }
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
  } else if (!spec.kernel.empty()) {
    arguments.insert(arguments.end(), {"--kernel", spec.kernel});
  }
  for (const auto& [name, value] : spec.settings) {
    arguments.push_back(value.empty() ? "--" + name : fmt::format("--{}={}", name, value));
  }
  return arguments;
}

bool finds_kernel(const MethodSpec& spec) {
  const pipeline::Method* const method = pipeline::find_method(spec.method);
  return spec.kernel == "auto" || (method != nullptr && method->uses(pipeline::Setting::kKernelPrior));
}

}  // namespace zsr::cli
