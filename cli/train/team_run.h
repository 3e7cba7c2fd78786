#pragma once

#include "cli/train/progress_page.h"
#include "core/run_context.h"
#include "training/team.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace zsr::cli {

/// What a run of several networks writes.
struct TeamFiles {
  std::filesystem::path checkpoint;
  std::filesystem::path log;                                           ///< CSV.
  std::vector<std::pair<std::string, std::filesystem::path>> weights;  ///< Network and its file.
  std::string page;                                                    ///< HTML; empty: none.
  std::vector<std::string> samples;                                    ///< Images of the plan to look at; empty: none.
  int64_t samples_every = 0;                                           ///< Steps; 0: only in the page.
  std::filesystem::path samples_folder;

  /// Throws IoError, before the work, for a file that cannot be written. `input` is never replaced.
  void check(const std::filesystem::path& input, bool replace) const;
};

/// Trains `team` to the end of its plan and writes `files` every `save_every` steps and at the end. The log of a run
/// that goes on is kept. `leads`: whether this process writes.
Summary run_team(training::Team& team, const TeamFiles& files, int64_t save_every, bool leads,
                 const RunContext& context);

}  // namespace zsr::cli
