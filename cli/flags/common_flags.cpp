#include "cli/flags/common_flags.h"

#include "cli/terminal/usage_error.h"
#include "core/device.h"
#include "core/values.h"

#include <fmt/format.h>

namespace zsr::cli {

void add_common_flags(OptionSet& options, CommonFlags& flags) {
  options.group("Common");
  options.add("device", "NAME", "auto, cpu, cuda or cuda:N", &flags.device);
  options.add("gpu,g", "N", "Same as --device cuda:N; -1 is the CPU", &flags.gpu);
  options.add("threads,j", "N", "CPU threads; 0 = all the cores this process may use", &flags.threads);
  options.add("seed", "N", "Seed of all random numbers, >= 0; same seed, same result", &flags.seed);
  options.flag("quiet,q", "No progress on stderr", &flags.quiet);
  options.flag("json", "Print one JSON object on stdout", &flags.json);
}

Runtime start_runtime(const CommonFlags& flags) {
  std::string device = flags.device;
  if (!flags.gpu.empty()) {
    const double index = parse_number(flags.gpu, "gpu");
    device = index < 0 ? "cpu" : fmt::format("cuda:{}", static_cast<int64_t>(index));
    if (flags.device != "auto" && flags.device != device) {
      throw UsageError(fmt::format("--gpu {} contradicts --device {}", flags.gpu, flags.device));
    }
  }
  if (flags.seed < 0) throw UsageError(fmt::format("--seed {} must be >= 0", flags.seed));
  Runtime runtime;
  runtime.threads = set_thread_count(flags.threads);
  runtime.device = resolve_device(device);
  runtime.seed = static_cast<uint64_t>(flags.seed);
  return runtime;
}

}  // namespace zsr::cli
