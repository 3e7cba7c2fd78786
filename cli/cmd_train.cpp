#include "cli/command.h"
#include "cli/common_flags.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/refusals.h"
#include "cli/train_list.h"
#include "cli/train_network.h"
#include "cli/usage_error.h"
#include "core/error.h"
#include "core/image/photo.h"
#include "core/json_bytes.h"
#include "datasets/image_folder.h"
#include "kernelgan/blur_training.h"
#include "nn/weights/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace zsr::cli {

int run_train(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "--list") {
    print_networks(std::find(arguments.begin(), arguments.end(), "--json") != arguments.end());
    return kExitOk;
  }
  const auto& networks = trainable_networks();
  if (!arguments.empty() && std::find(networks.begin(), networks.end(), arguments[0]) != networks.end()) {
    return run_train_network(arguments);
  }
  if (!arguments.empty() && arguments[0] == "kernel-prior") return run_train_kernel_prior(arguments);
  const bool help = !arguments.empty() && arguments[0].starts_with("-");
  if (!help && (arguments.empty() || arguments[0] != "blur-predictor")) {
    throw UsageError(fmt::format("train needs a network first: blur-predictor, kernel-prior, {}{}",
                                 fmt::join(networks, ", "),
                                 arguments.empty() ? "" : fmt::format("; not '{}'", arguments[0])));
  }
  std::vector<std::string> words;
  std::string output;
  bool force = false;
  kernelgan::BlurTrainingOptions training;
  CommonFlags common;
  OptionSet options(
      "zsr train blur-predictor PHOTO_FOLDER... -o FILE.safetensors [options]",
      fmt::format(
          "Trains a network from photos: here the blur of a photo from its patches, the estimator that\n"
          "`zsr kernelgan` uses unless told otherwise. Other networks: kernel-prior, {}; 'zsr train {} --help'.",
          fmt::join(networks, ", "), networks[0]),
      "  zsr train blur-predictor photos/ more-photos/ -o blur.safetensors\n");
  options.group("Options");
  options.positional("input,i", "NETWORK", "The network, then folders of sharp photos", &words);
  options.add("output,o", "FILE", "Weights file (.safetensors)", &output);
  options.add("steps", "N", "Training steps", &training.steps);
  options.add("patches", "N", "Patches a step", &training.patches);
  options.add("learning-rate", "RATE", "Highest rate of Adam", &training.learning_rate);
  options.flag("force", "Replace an existing file", &force);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  refuse_gpu(options, "zsr train");
  if (words.size() < 2 || output.empty()) throw UsageError("train needs folders of photos and -o FILE");
  training.validate();
  const Overwrite overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  check_output(output, words[1], overwrite);
  std::vector<std::filesystem::path> paths;
  for (size_t i = 1; i < words.size(); ++i) {
    for (const auto& path : list_images(words[i])) paths.push_back(path);
  }
  if (paths.empty()) throw InputError(fmt::format("no photos in '{}'", words[1]));
  const Runtime runtime = start_runtime(common);
  std::vector<torch::Tensor> photos;
  for (const auto& path : paths) photos.push_back(load_photo(path).color);
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  double error = 0.0;
  int64_t steps = 0;
  context.progress = [&](const Progress& now) {
    error = now.loss;
    steps = now.step;
    return printer(now);
  };
  const auto start = std::chrono::steady_clock::now();
  const kernelgan::BlurPredictor predictor = kernelgan::train_blur_predictor(photos, training, context);
  printer.finish();
  WeightsFile weights = predictor.weights();
  weights.metadata["command"] =
      fmt::format("zsr train blur-predictor --steps {} --patches {} --learning-rate {} --seed {}", training.steps,
                  training.patches, training.learning_rate, runtime.seed);
  weights.metadata["photos"] = std::to_string(photos.size());
  weights.metadata["steps"] = std::to_string(steps);
  write_safetensors(output, weights, overwrite);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (common.json) {
    const nlohmann::ordered_json json{{"command", "train"},   {"network", "blur-predictor"},
                                      {"output", output},     {"photos", photos.size()},
                                      {"steps", steps},       {"error", error},
                                      {"seed", runtime.seed}, {"parameters", weights.parameter_count()},
                                      {"seconds", seconds}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", output);
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
