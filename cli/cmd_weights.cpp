#include "cli/command.h"
#include "cli/common_flags.h"
#include "cli/options.h"
#include "cli/trained.h"
#include "cli/usage_error.h"
#include "core/error.h"
#include "core/weights/load_weights.h"
#include "core/weights/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

namespace zsr::cli {
namespace {

void print_info(const WeightsFile& file, bool json) {
  nlohmann::ordered_json network;
  const std::string told = describe_weights(file, &network);
  if (json) {
    nlohmann::ordered_json output{
        {"file", file.origin},       {"format", file.format}, {"parameters", file.parameter_count()},
        {"metadata", file.metadata}, {"network", network},    {"tensors", nlohmann::ordered_json::array()}};
    for (const NamedTensor& entry : file.tensors) {
      output["tensors"].push_back({{"name", entry.name},
                                   {"type", c10::toString(entry.tensor.scalar_type())},
                                   {"shape", entry.tensor.sizes().vec()}});
    }
    fmt::print("{}\n", output.dump(2));
    return;
  }
  fmt::print("{}: {}, {} tensors, {} parameters\n", file.origin, file.format, file.tensors.size(),
             file.parameter_count());
  fmt::print("  network: {}\n", told);
  for (const auto& [key, value] : file.metadata) fmt::print("  {}: {}\n", key, value);
  for (const NamedTensor& entry : file.tensors) {
    fmt::print("  {:<40} {:<8} [{}]\n", entry.name, c10::toString(entry.tensor.scalar_type()),
               fmt::join(entry.tensor.sizes(), ", "));
  }
}

}  // namespace

int run_weights(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  std::string output;
  bool force = false;
  bool half = false;
  CommonFlags common;
  OptionSet options(
      "zsr weights info|convert FILE [-o FILE.safetensors] [options]",
      "Lists the tensors of a weights file, or writes them as safetensors. Reads safetensors, PyTorch's\n"
      ".pth and .pt (both formats; nothing in them is executed), ncnn's .param with .bin and MATLAB's .mat,\n"
      "and tells which network they are of.",
      "  zsr weights info model.pth\n  zsr weights convert model.pth -o model.safetensors --half\n");
  options.group("Options");
  options.positional("input,i", "ACTION FILE", "info or convert, then the file", &words);
  options.add("output,o", "FILE", "convert: the safetensors file to write", &output);
  options.flag("half", "convert: 32- and 64-bit numbers as 16-bit ones", &half);
  options.flag("force", "Replace an existing file", &force);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  if (words.size() != 2 || (words[0] != "info" && words[0] != "convert")) {
    throw UsageError("weights needs info or convert, then one FILE");
  }
  const bool convert = words[0] == "convert";
  if (convert == output.empty()) throw UsageError("'weights convert' writes to -o FILE; 'weights info' writes nothing");
  const Overwrite overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  if (convert) check_output(output, words[1], overwrite);
  WeightsFile file = load_weights(words[1]);
  if (!convert) {
    print_info(file, common.json);
    return kExitOk;
  }
  if (half) {
    for (NamedTensor& entry : file.tensors) {
      if (entry.tensor.is_floating_point()) entry.tensor = entry.tensor.to(torch::kFloat16);
    }
  }
  write_safetensors(output, file, overwrite);
  if (common.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"command", "weights convert"},
                                              {"input", words[1]},
                                              {"output", output},
                                              {"format", file.format},
                                              {"tensors", file.tensors.size()},
                                              {"parameters", file.parameter_count()}}
                           .dump(2));
  } else {
    fmt::print("{}\n", output);
  }
  return kExitOk;
}

}  // namespace zsr::cli
