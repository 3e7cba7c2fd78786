#include "cli/batch/batch_run.h"
#include "cli/command.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/usage_error.h"
#include "core/json_bytes.h"

#include <fmt/format.h>

namespace zsr::cli {

int finish_batch(const BatchTally& tally, const BatchOptions& options, int64_t items, int64_t not_images) {
  if (options.json) {
    fmt::print("{}\n", json_text(nlohmann::json{{"images", tally.records},
                                                {"made", tally.made},
                                                {"made_before", tally.made_before},
                                                {"failed", tally.failed},
                                                {"quarantined_before", tally.quarantined},
                                                {"skipped_existing", tally.existing},
                                                {"elsewhere", tally.elsewhere},
                                                {"left", tally.left},
                                                {"not_images", not_images},
                                                {"shard", options.shard.text()}},
                                 2));
  } else {
    std::string text = fmt::format("{} of {} photos made", tally.made, items);
    const auto add = [&](int64_t count, const char* what) {
      if (count > 0) text += fmt::format(", {} {}", count, what);
    };
    add(tally.failed, "failed");
    add(tally.quarantined, "left out for having failed before (--retry-quarantined tries them again)");
    add(tally.made_before, "made before");
    add(tally.existing, "already there");
    add(tally.elsewhere, "made by other runs or shards");
    add(tally.left, "left: the same command goes on");
    add(not_images, "other files left out");
    fmt::print(stderr, "{}\n", text);
  }
  if (interrupted()) return interrupt_exit_code();
  return tally.failed + tally.quarantined > 0 ? kExitFailed : kExitOk;
}

}  // namespace zsr::cli
