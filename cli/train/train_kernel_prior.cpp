#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "degradations/flow_prior.h"
#include "nn/weights/safetensors.h"
#include "training/kernel_prior.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::cli {
namespace {

void print_trained_prior(const std::string& output, const FlowPrior& prior, const Progress& last, uint64_t seed,
                         bool as_json) {
  if (as_json) {
    const nlohmann::ordered_json json{{"command", "train"},
                                      {"network", "kernel-prior"},
                                      {"output", output},
                                      {"steps", last.step},
                                      {"negative_log_density", last.loss},
                                      {"parameters", prior.parameter_count()},
                                      {"seconds", last.elapsed_s},
                                      {"seed", seed}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", output);
  }
}

}  // namespace

int run_train_kernel_prior(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  std::string output;
  bool force = false;
  bool half = false;
  training::KernelPriorOptions training;
  CommonFlags common;
  OptionSet options(
      "zsr train kernel-prior -o PRIOR.safetensors [-s 2] [options]",
      "Trains the flow kernel prior of DIP-FKP and KernelGAN-FKP. It needs no photos: it learns what blur\n"
      "kernels look like from kernels that it draws.",
      "  zsr train kernel-prior -s 2 -o prior_x2.safetensors\n"
      "  zsr upscale photo.jpg -s 2 -m dip-fkp --prior prior_x2.safetensors\n");
  options.group("Options");
  options.positional("input,i", "NETWORK", "kernel-prior", &words);
  options.add("output,o", "FILE", "Weights file (.safetensors)", &output);
  options.add("scale,s", "FACTOR", "2, 3, 4 or 8: kernels of 11, 15, 19 or 21 pixels", &training.scale);
  options.add("steps", "N", "Training steps", &training.steps);
  options.add("batch", "N", "Kernels a step", &training.batch);
  options.add("learning-rate", "RATE", "Highest rate of adam; halved at 40, 50, 60, 70, 80 and 90 %",
              &training.learning_rate);
  options.flag("half", "Weights as 16-bit numbers", &half);
  options.flag("force", "Replace an existing file", &force);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  refuse_gpu(options, "zsr train");
  if (words.size() != 1 || output.empty()) throw UsageError("train kernel-prior needs -o FILE, and no photos");
  training.validate();
  const Overwrite overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  check_output(output, "", overwrite);
  const Runtime runtime = start_runtime(common);
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  Progress last;
  context.progress = [&](const Progress& now) {
    last = now;
    return printer(now);
  };
  const FlowPrior prior = training::train_kernel_prior(training, context);
  printer.finish();
  WeightsFile weights = prior.weights();
  if (half) weights.halve();
  weights.metadata["command"] =
      fmt::format("zsr train kernel-prior -s {} --steps {} --batch {} --learning-rate {} --seed {}", training.scale,
                  training.steps, training.batch, training.learning_rate, runtime.seed);
  write_safetensors(output, weights, overwrite);
  print_trained_prior(output, prior, last, runtime.seed, common.json);
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
