// Trains a small EDSR for an enlargement by 2 on one photo and keeps its weights, which `zsr upscale --weights` takes.
//
//     train_network PHOTO.png WEIGHTS.safetensors
#include "core/error.h"
#include "image/photo.h"
#include "networks/registry.h"
#include "nn/weights/safetensors.h"
#include "training/trainer.h"

#include <fmt/format.h>
#include <torch/types.h>

int main(int argc, char** argv) {
  using namespace zsr;
  if (argc != 3) {
    fmt::print(stderr, "usage: train_network PHOTO WEIGHTS\n");
    return 2;
  }
  try {
    const torch::Tensor photo = (load_photo(argv[1]).color[0] * 255.0).round().to(torch::kUInt8);
    const networks::Kind& kind = *networks::find_kind("edsr");
    Random random(1);
    training::Network network(kind, kind.configured(2, {{"depth", 2.0}, {"width", 16.0}}), random);
    training::PatchOptions patches;
    patches.batch = 4;
    patches.patch = 16;
    const training::PatchSource source({photo}, network.condition(), patches);
    const training::Validation validation({photo}, network);
    training::TrainOptions options;
    options.schedule.steps = 60;
    options.schedule.warm_up = 10;
    options.save_every = 60;
    const auto process = training::make_communicator([] { return false; });
    training::Trainer trainer(network, source, validation, options, patches.batch, *process);
    const Summary summary = trainer.run({}, [&](const training::Trainer& now, const WeightsFile&) {
      write_safetensors(argv[2], network.weights(now.best_parameters()), Overwrite::kYes);
    });
    fmt::print("{} steps, loss {:.4f}\n", summary.steps, summary.final_loss);
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
