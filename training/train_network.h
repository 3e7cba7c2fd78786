#pragma once

#include "core/run_context.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace zsr::training {

/// A network and how it is trained, for programs that need no more than `zsr train NETWORK` does in its usual form; the
/// parts that can be put together otherwise are Trainer, PatchSource and Validation (training/trainer.h).
struct TrainRequest {
  std::string network = "edsr";  ///< A row of `zsr train --list` that enlarges photos without being given more.
  int64_t scale = 2;
  std::map<std::string, double> fields;  ///< Of the network, as the flags of `zsr train`: {"depth", 8}.
  std::vector<torch::Tensor> photos;     ///< Sharp ones, [3, h, w] uint8; LR patches are made by imresize.
  std::vector<torch::Tensor> held_out;   ///< Validation; empty: the photos themselves.
  int64_t steps = 5000;
  int64_t batch = 8;
  int64_t patch = 32;       ///< Pixels a side of an LR patch.
  std::string loss = "l1";  ///< "l1", "l2", "charbonnier", or several, "l1:1,tv:0.001".
  double learning_rate = 1e-3;
  double muon_rate = 0.01;
  int64_t save_every = 1000;  ///< Steps between checkpoints.
};

/// Trains it and writes its weights to `output` (safetensors, replaced at every checkpoint), which `zsr upscale
/// --weights` takes. The seed is the context's. Throws OptionError, InputError, IoError, Cancelled.
Summary train_network(const TrainRequest& request, const std::filesystem::path& output, const RunContext& context = {});

}  // namespace zsr::training
