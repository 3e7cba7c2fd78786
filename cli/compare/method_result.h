#pragma once

#include "cli/compare/method_spec.h"
#include "cli/terminal/figures.h"
#include "image/resize.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace zsr::cli {

/// What one method made of one photo.
struct MethodResult {
  MethodSpec spec;
  std::string status = "done";  ///< "done", "not run" (it lacks something) or "failed".
  std::string message;          ///< Why, one line; and warnings.
  torch::Tensor image;          ///< [1, C, H, W]; undefined unless done.
  torch::Tensor kernel;         ///< [h, w] float64 as it was used, or undefined.
  std::vector<double> steps, losses;
  double seconds = 0.0;
  double peak_memory_mb = 0.0;
  nlohmann::json settings;  ///< The record of `zsr upscale`.
  nlohmann::json figures;   ///< Names and numbers.
};

/// How all methods are run.
struct MethodRuns {
  Scale scale{2.0, 2.0};
  std::string kernel_file;
  std::filesystem::path folder;        ///< Where results are kept; exists.
  std::vector<std::string> arguments;  ///< Of every method: seed, threads, device.
  std::string device = "auto";         ///< --device, for the methods that can use one.
  std::optional<double> timeout_s;     ///< Of each.
  std::function<bool()> cancelled;
};

/// Fills `result.figures` of a method that is done: time, memory and whatever of `judged` is known (its image and
/// kernel are the result's). Throws InputError when sizes differ.
void measure(MethodResult& result, Judged judged, const FigureTools& tools);

/// Runs the method as a process of its own: one that crashes, or runs out of memory, takes nobody with it, and its
/// memory can be measured. Never throws for what happens to it.
MethodResult run_method(const MethodSpec& spec, const std::filesystem::path& photo, const MethodRuns& runs);

}  // namespace zsr::cli
