#include "cli/train/train_blur_predictor.h"

#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/train_network.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "datasets/image_folder.h"
#include "degradations/estimation/blur/blur_training.h"
#include "image/photo.h"
#include "nn/weights/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <chrono>
#include <filesystem>
#include <memory>

namespace zsr::cli {
namespace {

struct PredictorFlags {
  std::vector<std::string> words;
  std::string output;
  bool force = false;
  blur::BlurTrainingOptions training;
  CommonFlags common;
};

std::unique_ptr<OptionSet> make_options(PredictorFlags& flags) {
  auto options = std::make_unique<OptionSet>(
      "zsr train blur-predictor PHOTO_FOLDER... -o FILE.safetensors [options]",
      fmt::format("Trains a network from photos: here the blur of a photo from its patches, the estimator that\n"
                  "`zsr kernelgan` uses by default. Other networks: kernel-prior, {}; 'zsr train {} --help'.",
                  fmt::join(trainable_networks(), ", "), trainable_networks()[0]),
      "  zsr train blur-predictor photos/ more-photos/ -o blur.safetensors\n");
  options->group("Options");
  options->positional("input,i", "NETWORK", "The network, then folders of sharp photos", &flags.words);
  options->add("output,o", "FILE", "Weights file (.safetensors)", &flags.output);
  options->add("steps", "N", "Training steps", &flags.training.steps);
  options->add("patches", "N", "Patches a step", &flags.training.patches);
  options->add("learning-rate", "RATE", "Highest rate of Adam", &flags.training.learning_rate);
  options->flag("force", "Replace an existing file", &flags.force);
  add_common_flags(*options, flags.common);
  return options;
}

// The photos of the folders behind the network's name.
std::vector<torch::Tensor> load_folders(const std::vector<std::string>& words) {
  std::vector<torch::Tensor> photos;
  for (size_t i = 1; i < words.size(); ++i) {
    for (const auto& path : list_images(words[i])) photos.push_back(load_photo(path).color);
  }
  if (photos.empty()) throw InputError(fmt::format("no photos in '{}'", words[1]));
  return photos;
}

}  // namespace

int run_train_blur_predictor(const std::vector<std::string>& arguments) {
  PredictorFlags flags;
  const auto options = make_options(flags);
  if (!options->parse(arguments)) return kExitOk;
  refuse_gpu(*options, "zsr train");
  if (flags.words.size() < 2 || flags.output.empty()) throw UsageError("train needs folders of photos and -o FILE");
  flags.training.validate();
  const Overwrite overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  check_output(flags.output, flags.words[1], overwrite);
  const Runtime runtime = start_runtime(flags.common);
  const std::vector<torch::Tensor> photos = load_folders(flags.words);
  ProgressPrinter printer(flags.common.quiet);
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
  const blur::BlurPredictor predictor = blur::train_blur_predictor(photos, flags.training, context);
  printer.finish();
  WeightsFile weights = predictor.weights();
  weights.metadata["command"] =
      fmt::format("zsr train blur-predictor --steps {} --patches {} --learning-rate {} --seed {}", flags.training.steps,
                  flags.training.patches, flags.training.learning_rate, runtime.seed);
  weights.metadata["photos"] = std::to_string(photos.size());
  weights.metadata["steps"] = std::to_string(steps);
  write_safetensors(flags.output, weights, overwrite);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (flags.common.json) {
    const nlohmann::ordered_json json{{"command", "train"},     {"network", "blur-predictor"},
                                      {"output", flags.output}, {"photos", photos.size()},
                                      {"steps", steps},         {"error", error},
                                      {"seed", runtime.seed},   {"parameters", weights.parameter_count()},
                                      {"seconds", seconds}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", flags.output);
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
