#pragma once

#include "cli/flags/options.h"
#include "pipeline/parameters/parameter_values.h"

#include <string>
#include <vector>

namespace zsr::pipeline {
struct Method;
}

namespace zsr::cli {

/// The flags of the table of parameters (pipeline/parameters/parameter.h) in one command.
class MethodFlags {
 public:
  /// Those that `method` can use under their headings; the others too, out of sight, so that one refusal answers them
  /// all. Null: the command that leaves the method open, which has those of any method.
  void add_to(OptionSet& options, const pipeline::Method* method);
  /// What was typed, after OptionSet::parse().
  pipeline::ParameterValues values(const OptionSet& options) const;

 private:
  std::vector<std::string> names_;
};

/// Whether --device or --gpu asks for more than the CPU.
bool asks_for_gpu(const OptionSet& given);

/// Throws UsageError where --device or --gpu asks for a GPU that `method` cannot use; `chosen_by` as in
/// pipeline::refuse_unused.
void refuse_unused_gpu(const OptionSet& given, const pipeline::Method& method, const std::string& chosen_by);

/// Throws UsageError where --device or --gpu asks for a GPU, which `what` ("kernelgan") does not use.
void refuse_gpu(const OptionSet& given, const std::string& what);

}  // namespace zsr::cli
