#include "training/train_network.h"

#include "core/error.h"
#include "core/random.h"
#include "networks/registry.h"
#include "nn/weights/safetensors.h"
#include "training/communicator.h"
#include "training/trainer.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::training {
namespace {

const networks::Kind& trainable_kind(const std::string& name) {
  const networks::Kind* const kind = networks::find_kind(name);
  if (kind == nullptr) throw OptionError(fmt::format("network = '{}', there is none of that name", name));
  if (!kind->untrainable.empty()) {
    throw OptionError(fmt::format("network = '{}' cannot be trained: {}", name, kind->untrainable));
  }
  return *kind;
}

}  // namespace

Summary train_network(const TrainRequest& request, const std::filesystem::path& output, const RunContext& context) {
  const networks::Kind& kind = trainable_kind(request.network);
  if (request.photos.empty()) throw OptionError("photos = none, a network needs at least one to learn from");
  Random random(context.seed);
  Network network(kind, kind.configured(request.scale, request.fields), random);
  PatchOptions patches;
  patches.scales = network.scales();
  patches.batch = request.batch;
  patches.patch = request.patch;
  patches.seed = context.seed;
  const PatchSource source(request.photos, network.condition(), patches);
  const Validation validation(request.held_out.empty() ? request.photos : request.held_out, network);
  TrainOptions options;
  constexpr int64_t kWarmUpPart = 6;
  options.schedule.steps = request.steps;
  options.schedule.warm_up = std::min(options.schedule.warm_up, request.steps / kWarmUpPart);
  options.losses = parse_losses(request.loss);
  options.learning_rate = request.learning_rate;
  options.muon_rate = request.muon_rate;
  options.save_every = std::min(request.save_every, request.steps);
  const auto process = make_communicator([] { return false; });
  Trainer trainer(network, source, validation, options, patches.batch, *process, context.seed);
  return trainer.run(context, [&](const Trainer& now, const WeightsFile&) {
    write_safetensors(output, network.weights(now.best_parameters()), Overwrite::kYes);
  });
}

}  // namespace zsr::training
