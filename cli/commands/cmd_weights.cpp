#include "cli/command.h"
#include "cli/commands/weights_description.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "networks/onnx_export.h"
#include "networks/registry.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace zsr::cli {
namespace {

constexpr const char* kWeightsDescription =
    "Lists the tensors of a weights file, or writes them as safetensors, or the whole network as an ONNX\n"
    "model for other programs. Reads safetensors, PyTorch's .pth and .pt (both formats; nothing in them is\n"
    "executed), ncnn's .param with .bin and MATLAB's .mat, and tells which network they are of. Two networks\n"
    "of one shape can be blended; files that each hold a part of one (IKC) can be joined. FILE is also the\n"
    "name of a network that comes with zsr, like edsr-light-x2.";
constexpr const char* kWeightsExamples =
    "  zsr weights list\n  zsr weights info model.pth\n  zsr weights convert model.pth -o model.safetensors --half\n"
    "  zsr weights convert model.pth -o model.onnx\n  zsr weights convert restorer -o restorer_x2.onnx --scale 2\n"
    "  zsr weights blend psnr.safetensors gan.safetensors -o between.safetensors --share 0.3\n"
    "  zsr weights join SFTMD.pth Predictor.pth Corrector.pth -o ikc.safetensors\n";

void print_info(const WeightsFile& file, bool json) {
  nlohmann::ordered_json network;
  const std::string description = describe_weights(file, &network);
  if (json) {
    nlohmann::ordered_json output{
        {"file", file.origin},       {"format", file.format}, {"parameters", file.parameter_count()},
        {"metadata", file.metadata}, {"network", network},    {"tensors", nlohmann::ordered_json::array()}};
    for (const NamedTensor& entry : file.tensors) {
      output["tensors"].push_back({{"name", entry.name},
                                   {"type", c10::toString(entry.tensor.scalar_type())},
                                   {"shape", entry.tensor.sizes().vec()}});
    }
    fmt::print("{}\n", json_text(output, 2));
    return;
  }
  fmt::print("{}: {}, {} tensors, {} parameters\n", file.origin, file.format, file.tensors.size(),
             file.parameter_count());
  fmt::print("  network: {}\n", description);
  for (const auto& [key, value] : file.metadata) fmt::print("  {}: {}\n", key, value);
  for (const NamedTensor& entry : file.tensors) {
    fmt::print("  {:<40} {:<8} [{}]\n", entry.name, c10::toString(entry.tensor.scalar_type()),
               fmt::join(entry.tensor.sizes(), ", "));
  }
}

// (1 - share) times the first plus share times the second: between a network trained for fidelity and one trained for
// looks lies all in between (network interpolation; Wang et al. 2018).
WeightsFile blended(const WeightsFile& first, const WeightsFile& second, double share) {
  WeightsFile made = first;
  if (first.tensors.size() != second.tensors.size()) {
    throw InputError(fmt::format("'{}' has {} tensors, '{}' {}: they are not of one network", first.origin,
                                 first.tensors.size(), second.origin, second.tensors.size()));
  }
  for (NamedTensor& entry : made.tensors) {
    const torch::Tensor* const other = second.find(entry.name);
    if (other == nullptr || other->sizes() != entry.tensor.sizes()) {
      throw InputError(fmt::format("'{}' of '{}' is not in '{}' in that shape: they are not of one network", entry.name,
                                   first.origin, second.origin));
    }
    if (!entry.tensor.is_floating_point()) continue;
    const torch::Tensor from = entry.tensor.to(torch::kFloat64);
    entry.tensor = (from + share * (other->to(torch::kFloat64) - from)).to(entry.tensor.scalar_type());
  }
  // Names alone: the file may be passed on.
  const auto name = [](const WeightsFile& file) { return std::filesystem::path(file.origin).filename().string(); };
  made.metadata["blend"] = fmt::format("{:g} of {}, {:g} of {}", 1.0 - share, name(first), share, name(second));
  return made;
}

bool is_onnx_name(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".onnx";
}

// What is asked of `weights convert` and `weights blend`.
struct Conversion {
  std::string output;
  int64_t scale = 0;  // of an ONNX file; 0 = the only one
  bool half = false;
  Overwrite overwrite = Overwrite::kNo;
};

// Writes the file; `report` receives what is known of it.
void write_converted(WeightsFile file, const Conversion& conversion, nlohmann::ordered_json& report) {
  if (!is_onnx_name(conversion.output)) {
    if (conversion.half) file.halve();
    write_safetensors(conversion.output, file, conversion.overwrite);
    return;
  }
  const networks::OnnxExport made = networks::export_onnx(file, conversion.scale, conversion.half);
  write_file_atomically(conversion.output, made.bytes, conversion.overwrite);
  report["network"] = made.network;
  report["scale"] = made.scale;
}

// The weights that come with zsr, and what each is.
int list_shipped(bool as_json) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const std::string& name : shipped_names()) {
    const std::string what = describe_weights(shipped_weights(name), nullptr);
    if (as_json) {
      all.push_back({{"name", name}, {"what", what}});
    } else {
      fmt::print("{:<22} {}\n", name, what);
    }
  }
  if (as_json) fmt::print("{}\n", json_text(all, 2));
  return kExitOk;
}

// Other tools would take a file of such a name for what it is not.
void check_format_of(const std::string& output) {
  for (const char* const suffix : {".pth", ".pt", ".ckpt", ".mat", ".npz", ".npy", ".param", ".bin", ".h5", ".t7"}) {
    if (output.ends_with(suffix)) {
      throw UsageError(fmt::format("-o '{}': zsr writes .safetensors and .onnx, not {}", output, suffix));
    }
  }
}

// The file that an action works on, made of the others where it takes several. `words`: the action and its files.
WeightsFile load_action_files(const std::string& action, const std::vector<std::string>& words, double share) {
  WeightsFile file = load_or_shipped(words[1]);
  if (action == "blend") return blended(file, load_or_shipped(words[2]), share);
  if (action != "join") return file;
  std::vector<WeightsFile> parts = {std::move(file)};
  for (size_t i = 2; i < words.size(); ++i) parts.push_back(load_or_shipped(words[i]));
  return networks::join_parts(parts);
}

}  // namespace

int run_weights(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  Conversion conversion;
  double share = 0.5;
  bool force = false;
  CommonFlags common;
  OptionSet options("zsr weights list|info|convert|blend|join [FILE...] [-o FILE.safetensors|FILE.onnx] [options]",
                    kWeightsDescription, kWeightsExamples);
  options.group("Options");
  options.positional(
      "input,i", "ACTION FILE",
      "list (what comes with zsr), info, convert, blend or join, then the file (blend: two, join: all parts)", &words);
  options.add("output,o", "FILE", "convert, blend, join: the file to write; FILE.onnx: ONNX, any other: safetensors",
              &conversion.output);
  options.add("scale,s", "FACTOR", "ONNX: which scale of a network that has several; 0 = the only one",
              &conversion.scale);
  options.add("share", "PART", "blend: how much of the second, 0 to 1", &share);
  options.flag("half", "convert, blend, join: 32- and 64-bit numbers as 16-bit ones (ONNX: weights of convolutions)",
               &conversion.half);
  options.flag("force", "Replace an existing file", &force);
  add_common_flags(options, common);
  if (!options.parse(arguments)) return kExitOk;
  const std::string action = words.empty() ? "" : words[0];
  const bool blend = action == "blend";
  if (action == "list" && words.size() == 1) return list_shipped(common.json);
  const bool join = action == "join";
  const bool enough = join ? words.size() > 2 : words.size() == (blend ? 3U : 2U);
  if ((action != "info" && action != "convert" && !blend && !join) || !enough) {
    throw UsageError("weights needs list, or info or convert and one FILE, or blend and two, or join and two or more");
  }
  const bool writes = action != "info";
  const std::string& output = conversion.output;
  if (writes == output.empty()) {
    throw UsageError(fmt::format("'weights {}' {}", action, writes ? "writes to -o FILE" : "writes nothing"));
  }
  if (!(share >= 0.0) || share > 1.0) throw UsageError(fmt::format("--share {:g} must be 0 to 1", share));
  if (options.given("scale") && !is_onnx_name(output)) throw UsageError("--scale belongs to ONNX files (-o FILE.onnx)");
  conversion.overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  if (writes) check_format_of(output);
  for (size_t i = 1; writes && i < words.size(); ++i) check_output(output, words[i], conversion.overwrite);
  WeightsFile file = load_action_files(action, words, share);
  if (!writes) {
    print_info(file, common.json);
    return kExitOk;
  }
  nlohmann::ordered_json report{{"command", "weights " + action},
                                {"input", words[1]},
                                {"output", output},
                                {"format", file.format},
                                {"tensors", file.tensors.size()},
                                {"parameters", file.parameter_count()}};
  write_converted(std::move(file), conversion, report);
  fmt::print("{}\n", common.json ? json_text(report, 2) : output);
  return kExitOk;
}

}  // namespace zsr::cli
