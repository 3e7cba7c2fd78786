#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// What became of another program.
struct ProgramRun {
  int exit_code = 0;       ///< 128 + signal where a signal ended it.
  int signal = 0;          ///< 0: it ended by itself.
  bool timed_out = false;  ///< It was ended for taking too long.
  std::string out;         ///< Its standard output.
  std::string err;         ///< The last 64 KiB of its standard error.
  double seconds = 0.0;    ///< Wall time.
  int64_t peak_bytes = 0;  ///< Largest resident memory.
};

/// The program that is running.
std::filesystem::path own_program();

/// Runs `program` with `arguments`, standard input closed, and waits. After `timeout_s`, or as soon as `cancelled` says
/// so, it gets SIGTERM and, three seconds later, SIGKILL. Throws IoError when it cannot be started.
ProgramRun run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                       std::optional<double> timeout_s = std::nullopt, const std::function<bool()>& cancelled = {});

}  // namespace zsr
