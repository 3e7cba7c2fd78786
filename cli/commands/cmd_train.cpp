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
#include <iterator>

namespace zsr::cli {
namespace {

void refuse_untrainable(const std::string& network) {
  const networks::Kind* const kind = networks::find_kind(network);
  if (kind != nullptr && !kind->trains()) {
    throw UsageError(fmt::format("{} cannot be trained: {}", kind->name, kind->untrainable));
  }
}

// Names behind 'train' that are no networks.
constexpr const char* kOther[] = {"team", "degradation", "kernel-gan", "kernel-prior", "blur-predictor"};

[[noreturn]] void refuse_unknown(const std::string& name) {
  std::vector<std::string> names = trainable_networks();
  names.insert(names.end(), std::begin(kOther), std::end(kOther));
  constexpr size_t kMostGuesses = 3;
  const std::vector<std::string> close = close_words(name, names, kMostGuesses);
  const std::string guess = close.empty() ? "" : fmt::format(", did you mean '{}'?", fmt::join(close, "' or '"));
  throw UsageError(fmt::format("there is no network '{}' to train{}; 'zsr train --list' shows all", name, guess));
}

}  // namespace

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
  if (!arguments.empty() && arguments[0] == "team") return run_train_team(arguments);
  if (!arguments.empty() && arguments[0] == "degradation") return run_train_degradation(arguments);
  if (!arguments.empty() && arguments[0] == "kernel-gan") return run_train_kernel_gan(arguments);
  if (!arguments.empty() && arguments[0] == "kernel-prior") return run_train_kernel_prior(arguments);
  if (arguments.empty()) {
    throw UsageError("train needs a network first, e.g. 'zsr train edsr photos/'; 'zsr train --list' shows all");
  }
  const bool help = arguments[0].starts_with("-");
  if (!help && arguments[0] != "blur-predictor") refuse_unknown(arguments[0]);
  return run_train_blur_predictor(arguments);
}

}  // namespace zsr::cli
