#pragma once

#include "cli/batch/shard.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// One photo of a batch.
struct BatchItem {
  std::string name;  ///< Its path inside the input folder; tells it from the others.
  std::filesystem::path input;
  std::filesystem::path output;
};

/// How a batch is run.
struct BatchOptions {
  std::vector<std::string> command;             ///< What is run for each, e.g. {"upscale"}.
  std::vector<std::string> arguments;           ///< Its flags, but for input, output and those of the batch.
  std::optional<std::filesystem::path> folder;  ///< Of the results, where the manifest lies; none: no manifest.
  int64_t jobs = 1;                             ///< Photos at once, each in a process of its own.
  int64_t threads = 0;                          ///< Of all processes together; 0 = all cores.
  int64_t memory = 0;                           ///< Bytes of all processes together; 0 = what is free.
  std::optional<double> timeout_s;              ///< Of one photo.
  int64_t retries = 1;                          ///< Further attempts after a crash or a timeout, before the quarantine.
  double grace_s = 20.0;                        ///< After SIGTERM, for the photos that are being made.
  bool skip_existing = false;                   ///< An output that exists counts as made, whoever made it.
  bool force = false;                           ///< Make everything anew.
  bool retry_quarantined = false;
  bool claim = false;  ///< Share the photos out with other runs over the folder.
  double lease_s = 60.0;
  Shard shard;
  bool quiet = false;
  bool json = false;
};

/// What became of the photos.
struct BatchTally {
  int64_t made = 0;                                  ///< By this run.
  int64_t made_before = 0;                           ///< Proved by the manifest.
  int64_t existing = 0;                              ///< Left out by skip_existing.
  int64_t elsewhere = 0;                             ///< Made by another run, or by another shard.
  int64_t failed = 0;                                ///< In this run, the quarantined ones with them.
  int64_t quarantined = 0;                           ///< Left out because they had failed before.
  int64_t left = 0;                                  ///< Not come to: the run was stopped.
  nlohmann::json records = nlohmann::json::array();  ///< With `json`: of the photos that this run worked on.
};

/// Runs the command on every item, several at once, each in a worker process: one that crashes, hangs or takes too much
/// memory costs its own photo only. With a folder the run is kept in a manifest (Note [Batch manifest]) and can be
/// killed and called again at any moment. Prints a line for each photo. Where two items have one output, the first is
/// made and the others fail. Throws UsageError and IoError.
BatchTally run_batch(const std::vector<BatchItem>& items, const BatchOptions& options);

/// The last lines: how many were made, failed, left. Exit code: 0, 1 (something failed), or the signal's.
int finish_batch(const BatchTally& tally, const BatchOptions& options, int64_t items, int64_t not_images);

}  // namespace zsr::cli
