// Trains a small EDSR for an enlargement by 2 on one photo and keeps its weights, which `zsr upscale --weights` takes.
//
//     train_network PHOTO.png WEIGHTS.safetensors
#include "training/train_network.h"

#include "core/error.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <torch/types.h>

int main(int argc, char** argv) {
  using namespace zsr;
  if (argc != 3) {
    fmt::print(stderr, "usage: train_network PHOTO WEIGHTS\n");
    return 2;
  }
  try {
    training::TrainRequest request;
    request.network = "edsr";
    request.fields = {{"depth", 2.0}, {"width", 16.0}};
    request.photos = {(load_photo(argv[1]).color[0] * 255.0).round().to(torch::kUInt8)};
    request.steps = 60;
    request.batch = 4;
    request.patch = 16;
    const Summary summary = training::train_network(request, argv[2]);
    fmt::print("{} steps, loss {:.4f}\n", summary.steps, summary.final_loss);
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
