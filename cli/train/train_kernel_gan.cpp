#include "cli/command.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/train_network.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "degradations/kernel_io.h"
#include "training/kernel_gan.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct KernelGanFlags {
  std::vector<std::string> words;  // "kernel-gan", pools
  std::string output;
  std::string convention = "zssr";
  int64_t count = 1000;
  training::KernelGanOptions training;
  std::string time;
  bool force = false;
};

fs::path name_of(const fs::path& folder, const char* origin, int64_t number) {
  return folder / fmt::format("{}-{:04}.npy", origin, number);
}

torch::Tensor load_pool(const KernelGanFlags& flags) {
  const KernelConvention convention = parse_kernel_convention(flags.convention, "kernel-convention");
  std::vector<torch::Tensor> kernels;
  for (size_t i = 1; i < flags.words.size(); ++i) {
    for (const BlurKernel& kernel : load_kernels(flags.words[i], convention)) kernels.push_back(kernel.weights());
  }
  return training::kernel_pool(kernels);
}

void check_output_folder(const KernelGanFlags& flags) {
  const fs::path folder = flags.output;
  if (fs::exists(folder) && !fs::is_directory(folder)) {
    throw IoError(fmt::format("'{}' is a file, and a folder of kernels is written", flags.output));
  }
  if (fs::exists(folder) && !fs::is_empty(folder) && !flags.force) {
    throw IoError(fmt::format("'{}' is not empty; name another folder, or --force", flags.output));
  }
  for (size_t i = 1; i < flags.words.size(); ++i) {
    if (fs::exists(folder) && is_same_file(folder, flags.words[i])) {
      throw UsageError(fmt::format("-o '{}' is the folder that the kernels come from", flags.output));
    }
  }
}

void save_both(const std::string& folder, const torch::Tensor& estimated, const torch::Tensor& generated) {
  make_folder_of(name_of(folder, "estimated", 1));
  const auto save = [&](const torch::Tensor& kernels, const char* origin) {
    for (int64_t i = 0; i < kernels.size(0); ++i) {
      save_kernel(BlurKernel(kernels[i].to(torch::kFloat64), origin), name_of(folder, origin, i + 1),
                  KernelConvention::kZssr, Overwrite::kYes);
    }
  };
  save(estimated, "estimated");
  save(generated, "generated");
}

}  // namespace

int run_train_kernel_gan(const std::vector<std::string>& arguments) {
  KernelGanFlags flags;
  CommonFlags common;
  OptionSet options(
      "zsr train kernel-gan KERNELS... -o FOLDER [options]",
      "Makes a large pool of blur kernels out of a small one (KMSR, Zhou and Suesstrunk 2019): a network "
      "learns what\n"
      "the kernels of the pool look like and draws others like them. The folder receives both.",
      "  for photo in photos/*.jpg; do zsr kernelgan \"$photo\" -o \"kernels/$(basename \"$photo\").mat\"; done\n"
      "  zsr train kernel-gan kernels/ -o pool/\n"
      "  zsr train edsr sharp/ -s 2 --recipe kmsr --kernel-pool pool/ -o kmsr_x2.safetensors\n");
  options.group("Options");
  options.positional("input,i", "kernel-gan KERNELS", "kernel-gan, then folders or files of kernels", &flags.words);
  options.add("output,o", "FOLDER", "For the kernels, 25x25 pixels (.npy)", &flags.output);
  options.add("count", "N", "Kernels to draw", &flags.count);
  options.add("steps", "N", "Training steps of the generator; its critic takes five each", &flags.training.steps);
  options.add("batch", "N", "Kernels a step", &flags.training.batch);
  options.flag("published", "Networks as large, and trained, as published", &flags.training.published);
  options.add("kernel-convention", "NAME", "How the kernels are stored: zssr, kair, fkp", &flags.convention);
  options.add("time", "DURATION", "Stop training after this time, e.g. 10m", &flags.time);
  options.flag("force", "Write into a folder that is not empty", &flags.force);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  refuse_gpu(options, "zsr train kernel-gan");
  if (flags.words.size() < 2 || flags.output.empty()) throw UsageError("train kernel-gan needs kernels and -o FOLDER");
  if (flags.count < 1) throw UsageError(fmt::format("--count {} must be above 0", flags.count));
  flags.training.validate();
  check_output_folder(flags);
  const torch::Tensor pool = load_pool(flags);
  const Runtime runtime = start_runtime(common);
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  if (!flags.time.empty()) context.time_budget_s = parse_duration(flags.time, "time");
  context.progress = [&](const Progress& now) { return printer(now); };
  training::KernelGan gan(flags.training, runtime.seed);
  const Summary summary = gan.train(pool, context);
  printer.finish();
  const torch::Tensor drawn = gan.draw(flags.count, derive_seed(runtime.seed, "drawn-kernels"));
  save_both(flags.output, pool, drawn);
  if (common.json) {
    const nlohmann::ordered_json json{{"command", "train"},
                                      {"network", "kernel-gan"},
                                      {"output", flags.output},
                                      {"estimated", pool.size(0)},
                                      {"generated", flags.count},
                                      {"parameters", gan.generator_count()},
                                      {"critic_parameters", gan.critic_count()},
                                      {"steps", summary.steps},
                                      {"termination", to_string(summary.termination)},
                                      {"distance", summary.final_loss},
                                      {"seconds", summary.train_s},
                                      {"seed", runtime.seed}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", flags.output);
  }
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
