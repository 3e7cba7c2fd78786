// What scripts/check-onnx runs: ONNX files, and beside each what zsr makes of some inputs (NAME.pairs.json and raw
// float32 files).
//   onnx_pairs FOLDER [FILE]...   of every operation, every architecture with random values, all networks that come
//   with
//                                 zsr, and those in the weights files
#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "image/photo.h"
#include "networks/graph_network.h"
#include "networks/onnx_export.h"
#include "nn/geometry.h"
#include "nn/model.h"
#include "nn/onnx.h"
#include "nn/parameter_file.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/shipped.h"
#include "tests/nn/operation_cases.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cstdio>
#include <filesystem>

namespace zsr {
namespace {

using Path = std::filesystem::path;

nlohmann::json stored(const torch::Tensor& values, const Path& folder, const std::string& name) {
  const torch::Tensor plain = values.contiguous();
  const std::string_view bytes(static_cast<const char*>(plain.data_ptr()), static_cast<size_t>(plain.numel()) * 4);
  write_file_atomically(folder / name, bytes, Overwrite::kYes);
  return {{"file", name}, {"shape", plain.sizes().vec()}};
}

// A piece of a photo, and random constant maps behind its colours: on noise some trained networks blow up.
torch::Tensor example_input(int64_t batch, int64_t channels, int64_t height, int64_t width) {
  static const torch::Tensor photo = load_photo(std::string(ZSR_EXAMPLES) + "/cat.jpg").color;
  std::vector<torch::Tensor> pieces;
  for (int64_t i = 0; i < batch; ++i) {
    pieces.push_back(photo.slice(2, 60 + 20 * i, 60 + 20 * i + height).slice(3, 80, 80 + width));
  }
  const torch::Tensor colours = torch::cat(pieces, 0);
  if (channels <= colours.size(1)) return colours.slice(1, 0, channels);
  const torch::Tensor maps = torch::rand({batch, channels - colours.size(1), 1, 1});
  return torch::cat({colours, maps.expand({-1, -1, height, width})}, 1);
}

// Two inputs, of different sizes and batches. `multiple`: of their sides.
void write_pairs(const nn::Model& model, const torch::Tensor& parameters, int64_t scale, int64_t multiple,
                 const Path& folder, const std::string& name) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  nlohmann::json pairs = nlohmann::json::array();
  for (const std::vector<int64_t>& size : {std::vector<int64_t>{1, 24, 32}, std::vector<int64_t>{2, 33, 26}}) {
    const auto side = [&](int64_t length) { return (length + multiple - 1) / multiple * multiple; };
    const torch::Tensor input =
        example_input(size[0], model.graph().node(0).channels, side(size[1]), side(size[2])).contiguous();
    const torch::Tensor output = model.forward({input}, parameters, scale);
    const std::string stem = fmt::format("{}.{}", name, pairs.size());
    pairs.push_back({{"input", stored(input, folder, stem + ".input.f32")},
                     {"output", stored(output, folder, stem + ".output.f32")}});
  }
  write_file_atomically(folder / (name + ".pairs.json"), pairs.dump(), Overwrite::kYes);
}

void write_operations(const Path& folder) {
  for (const nn::OperationCase& item : nn::operation_cases()) {
    if (std::string(item.name) == "custom") continue;
    const std::string name = std::string("op-") + item.name;
    const nn::Model model(nn::made_of(item.build, item.channels));
    const torch::Tensor parameters = nn::random_parameters(model.graph(), torch::kFloat32);
    write_file_atomically(folder / (name + ".onnx"), nn::to_onnx(model.graph(), parameters, {.network = name}),
                          Overwrite::kNo);
    write_pairs(model, parameters, 0, 4, folder, name);
  }
}

// One ONNX file, one with halved weights and the pairs of both for each scale; says so where there is no ONNX form.
void write_network(const WeightsFile& given, const std::string& name, const Path& folder) {
  const WeightsFile file = networks::unwrapped(given);
  try {
    const networks::Kind* const kind = networks::recognise(file);
    if (kind == nullptr || kind->special != nullptr) networks::export_onnx(file, 0, false);  // says why not
    networks::LoadedGraph loaded = networks::load_graph(*kind, file);
    const nn::Model model(std::move(loaded.graph));
    const std::vector<int64_t> scales = model.graph().scales();
    for (const int64_t scale : scales) {
      const bool only = scales.size() == 1;
      const std::string own = only ? name : fmt::format("{}-x{}", name, scale);
      for (const bool half : {false, true}) {
        const std::string bytes = networks::export_onnx(file, only ? 0 : scale, half).bytes;
        write_file_atomically(folder / (own + (half ? ".half.onnx" : ".onnx")), bytes, Overwrite::kNo);
      }
      write_pairs(model, loaded.parameters, scale, nn::side_multiple(model.graph()), folder, own);
    }
  } catch (const InputError& error) {
    fmt::print("left out: {}\n", error.what());
  }
}

// Values that keep the size of signals; normalisation and slopes that do something.
WeightsFile random_network(const networks::Kind& kind, const networks::Config& config) {
  const nn::Graph graph = kind.graph(config);
  Random random(7);
  torch::Tensor values = nn::initial_values(graph, random);
  torch::manual_seed(3);
  for (const nn::Parameter& parameter : graph.parameters()) {
    torch::Tensor own = values.narrow(0, parameter.offset, parameter.count());
    if (parameter.role != nn::Parameter::Role::kWeight) own += 0.05 * torch::rand_like(own);
  }
  WeightsFile file = nn::to_weights(graph, values);
  file.metadata = config.to_metadata(kind.name);
  file.origin = "random " + kind.name;
  return file;
}

void write_random_networks(const networks::Kind& kind, const Path& folder) {
  for (const int64_t scale : kind.trainable_scales) {
    // As published but for the depth, which repeats the same.
    std::map<std::string, double> chosen;
    for (const networks::Field& field : kind.fields) {
      if (field.name == "depth") chosen["depth"] = std::max(field.low, std::min(field.published, 3.0));
    }
    networks::Config config = kind.configured(scale, chosen);
    const bool once = kind.all_scales || kind.traits.takes_enlarged;
    const std::string suffix = once ? "" : fmt::format("-x{}", scale);
    write_network(random_network(kind, config), fmt::format("random-{}{}", kind.name, suffix), folder);
    if (kind.name == "srresnet" && scale != 3) {
      config.naming = "srgan";
      write_network(random_network(kind, config), "random-srgan" + suffix, folder);
    }
    if (kind.name == "rrdb") {
      config.set("unshuffle", 2.0).scales = {2};
      write_network(random_network(kind, config), "random-rrdb-unshuffled-x2", folder);
    }
    if (once) break;
  }
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    fmt::print(stderr, "onnx_pairs FOLDER [FILE]...\n");
    return 2;
  }
  const Path folder = words[0];
  write_operations(folder);
  for (const networks::Kind& kind : networks::kinds()) write_random_networks(kind, folder);
  for (const std::string& name : shipped_names()) write_network(shipped_weights(name), name, folder);
  for (size_t i = 1; i < words.size(); ++i) {
    try {
      // The folder's name too: authors call theirs all "model.pth".
      const Path path = std::filesystem::absolute(words[i]);
      write_network(load_weights(path), path.parent_path().filename().string() + "-" + path.stem().string(), folder);
    } catch (const Error& error) {
      fmt::print("left out: {}\n", error.what());
    }
  }
  return 0;
}

}  // namespace
}  // namespace zsr

int main(int argc, char** argv) {
  try {
    return zsr::run({argv + 1, argv + argc});
  } catch (const zsr::Error& error) {
    fmt::print(stderr, "onnx_pairs: {}\n", error.what());
    return 1;
  }
}
