#include "cli/batch/shard.h"

#include "cli/terminal/usage_error.h"
#include "core/sha256.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace zsr::cli {
namespace {

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> number_of(const Environment& environment, const char* name) {
  const char* const text = environment(name);
  return text == nullptr ? std::nullopt : number(text);
}

Shard checked(int64_t index, int64_t count, const std::string& from) {
  if (count < 1 || index < 0 || index >= count) {
    throw UsageError(fmt::format("the shard of {} is {} of {}, which does not exist; name it with --shard I/N", from,
                                 index + 1, count));
  }
  return {index, count, from};
}

// Ranks whose number the surroundings tell too.
std::optional<Shard> whole(const Environment& environment) {
  if (const auto id = number_of(environment, "SLURM_ARRAY_TASK_ID")) {
    const int64_t first = number_of(environment, "SLURM_ARRAY_TASK_MIN").value_or(0);
    const int64_t step = std::max<int64_t>(1, number_of(environment, "SLURM_ARRAY_TASK_STEP").value_or(1));
    const int64_t last = number_of(environment, "SLURM_ARRAY_TASK_MAX").value_or(*id);
    const int64_t count = number_of(environment, "SLURM_ARRAY_TASK_COUNT").value_or((last - first) / step + 1);
    // An array such as 1,5,7 has no even step: which of the count a task is, it cannot know.
    if ((last - first) / step + 1 != count) {
      throw UsageError("the Slurm array is not evenly spaced; use --array=0-N, or name the shard with --shard I/N");
    }
    return checked((*id - first) / step, count, "SLURM_ARRAY_TASK_ID");
  }
  constexpr std::array<std::array<const char*, 2>, 3> kRanks = {{
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
      {"PMI_RANK", "PMI_SIZE"},
      {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},  // set by srun; SLURM_NTASKS is there in the batch script itself too
  }};
  for (const auto& [rank, size] : kRanks) {
    const auto own = number_of(environment, rank);
    const auto all = number_of(environment, size);
    if (own && all && *all > 1) return checked(*own, *all, rank);
  }
  return std::nullopt;
}

}  // namespace

bool Shard::has(const std::string& name) const {
  if (count == 1) return true;
  const uint64_t value = std::stoull(sha256(name).substr(0, 15), nullptr, 16);
  return static_cast<int64_t>(value % static_cast<uint64_t>(count)) == index;
}

std::string Shard::text() const {
  return fmt::format("{}/{}", index + 1, count);
}

Shard find_shard(const std::string& text, const Environment& environment) {
  if (text == "off" || text.empty()) return {};
  if (text == "auto") return whole(environment).value_or(Shard{});
  const size_t slash = text.find('/');
  const std::string first = text.substr(0, slash);
  const auto count = slash == std::string::npos ? std::nullopt : number(std::string_view(text).substr(slash + 1));
  if (!count || *count < 1) throw UsageError(fmt::format("--shard '{}' must be I/N, auto, auto/N or off", text));
  if (first == "auto") {
    if (const auto found = whole(environment)) {
      if (found->count != *count) {
        throw UsageError(fmt::format("--shard {}: {} says that there are {}", text, found->from, found->count));
      }
      return *found;
    }
    if (const auto index = number_of(environment, "JOB_COMPLETION_INDEX")) {
      return checked(*index, *count, "JOB_COMPLETION_INDEX");
    }
    if (const auto rank = number_of(environment, "PMIX_RANK")) return checked(*rank, *count, "PMIX_RANK");
    if (const auto job = number_of(environment, "PARALLEL_SEQ")) return checked(*job - 1, *count, "PARALLEL_SEQ");
    throw UsageError(fmt::format(
        "--shard {}: none of SLURM_ARRAY_TASK_ID, OMPI_COMM_WORLD_RANK, PMI_RANK, SLURM_PROCID, JOB_COMPLETION_INDEX, "
        "PMIX_RANK, PARALLEL_SEQ is set; name the shard, I/N",
        text));
  }
  const auto index = number(first);
  if (!index || *index < 1 || *index > *count) {
    throw UsageError(fmt::format("--shard '{}' must be I/N with I from 1 to N", text));
  }
  return {*index - 1, *count, {}};
}

}  // namespace zsr::cli
