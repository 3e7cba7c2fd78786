#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace zsr::cli {

/// Which part of the photos this process makes: those whose name falls to `index` of `count`.
struct Shard {
  int64_t index = 0;  ///< From 0.
  int64_t count = 1;
  std::string from;  ///< Where it was learnt, e.g. "SLURM_ARRAY_TASK_ID"; empty: from the flag, or there is one only.

  /// By a hash of the name: what others are in the folder changes nothing.
  bool has(const std::string& name) const;
  /// "3/8", counted from 1.
  std::string text() const;
};

/// Value of an environment variable, or null.
using Environment = std::function<const char*(const char*)>;

/// "off"; "3/8" (the third of eight); "auto": what the surroundings say - a Slurm array (SLURM_ARRAY_TASK_ID, _MIN,
/// _MAX, _STEP, _COUNT), ranks of Open MPI, PMI and PMIx or of srun with their number - else one. "auto/8" takes the
/// number from surroundings that do not tell how many there are: an indexed job of Kubernetes (JOB_COMPLETION_INDEX),
/// GNU parallel (PARALLEL_SEQ), PMIx. Throws UsageError.
Shard find_shard(const std::string& text, const Environment& environment);

}  // namespace zsr::cli
