#include "cli/closest.h"
#include "cli/command.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/train_blur_predictor.h"
#include "cli/train/train_list.h"
#include "cli/train/train_network.h"
#include "networks/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr::cli {
namespace {

void refuse_untrainable(const std::string& network) {
  const networks::Kind* const kind = networks::find_kind(network);
  if (kind != nullptr && !kind->trains()) {
    throw UsageError(fmt::format("{} cannot be trained: {}", kind->name, kind->untrainable));
  }
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  std::vector<std::string> names = trainable_networks();
  for (const TrainVerb& verb : train_verbs()) names.emplace_back(verb.name);
  names.emplace_back("blur-predictor");
  constexpr size_t kMostGuesses = 3;
  const std::vector<std::string> close = close_words(name, names, kMostGuesses);
  const std::string guess = close.empty() ? "" : fmt::format(", did you mean '{}'?", fmt::join(close, "' or '"));
  throw UsageError(fmt::format("there is no network '{}' to train{}; 'zsr train --list' shows all", name, guess));
}

}  // namespace

const std::vector<TrainVerb>& train_verbs() {
  static const std::vector<TrainVerb> verbs = {{"team", run_train_team},
                                               {"degradation", run_train_degradation},
                                               {"kernel-gan", run_train_kernel_gan},
                                               {"kernel-prior", run_train_kernel_prior}};
  return verbs;
}

int run_train(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments[0] == "--list") {
    print_networks(std::find(arguments.begin(), arguments.end(), "--json") != arguments.end());
    return kExitOk;
  }
  if (!arguments.empty()) refuse_untrainable(arguments[0]);
  const auto& networks = trainable_networks();
  if (!arguments.empty() && std::find(networks.begin(), networks.end(), arguments[0]) != networks.end()) {
    return run_train_network(arguments);
  }
  if (arguments.empty()) {
    throw UsageError("train needs a network first, e.g. 'zsr train edsr photos/'; 'zsr train --list' shows all");
  }
  for (const TrainVerb& verb : train_verbs()) {
    if (arguments[0] == verb.name) return verb.run(arguments);
  }
  const bool help = arguments[0].starts_with("-");
  if (!help && arguments[0] != "blur-predictor") refuse_unknown(arguments[0]);
  return run_train_blur_predictor(arguments);
}

}  // namespace zsr::cli
