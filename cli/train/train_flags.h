#pragma once

#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "networks/config.h"
#include "training/patches.h"
#include "training/trainer.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// What `zsr train NETWORK` is given, as typed.
struct TrainFlags {
  std::vector<std::string> words;  ///< The network, then folders.
  std::string output;
  std::string network;
  std::string scale = "2";                    ///< A list where the network takes the enlarged photo.
  std::map<std::string, std::string> fields;  ///< Of the configuration, by name.
  std::string old_width;                      ///< --width, as --channels was called.
  training::PatchOptions patches;
  training::TrainOptions train;
  std::string losses = "l1";
  std::string supervision;  ///< Empty: as published.
  std::optional<int64_t> supervision_steps;
  std::string sizes = "1";
  std::string recipe;
  std::string stages;
  bool progressive = false;
  std::string kernel_pool;
  std::string known_soft;
  std::string features;
  std::string vgg;  ///< The older name of `features`.
  std::string content_layer;
  std::string init;
  std::string validate;
  std::string pairs;
  std::string time;
  bool resume = false;
  bool half = false;
  bool force = false;
};

/// The flags of the network that `arguments` name first, over the defaults of its row; `flags` and `common` receive
/// them.
std::unique_ptr<OptionSet> make_train_options(const std::string& network, TrainFlags& flags, CommonFlags& common);

/// Settles what the flags say together, once they are parsed. Throws UsageError.
void settle_train_flags(TrainFlags& flags);

/// The configuration that is trained. Throws UsageError and OptionError.
networks::Config chosen_configuration(const TrainFlags& flags);

}  // namespace zsr::cli
