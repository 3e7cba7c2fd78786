#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// Networks that `zsr train` trains by gradient descent on photos.
const std::vector<std::string>& trainable_networks();

/// `zsr train NETWORK ...` for one of them; `arguments` begin with its name. Returns the exit code.
int run_train_network(const std::vector<std::string>& arguments);

/// `zsr train team PLAN ...`: several networks together. Returns the exit code.
int run_train_team(const std::vector<std::string>& arguments);

/// `zsr train kernel-gan POOL ...`. Returns the exit code.
int run_train_kernel_gan(const std::vector<std::string>& arguments);

/// `zsr train degradation SHARP --like OTHERS ...`. Returns the exit code.
int run_train_degradation(const std::vector<std::string>& arguments);

/// A word behind 'train' that is no network of the registry.
struct TrainVerb {
  const char* name;
  int (*run)(const std::vector<std::string>& arguments);
};
/// All of them but blur-predictor, whose help is also that of 'train' itself.
const std::vector<TrainVerb>& train_verbs();

}  // namespace zsr::cli
