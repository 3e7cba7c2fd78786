#include "cli/command.h"
#include "cli/terminal/failure.h"
#include "cli/terminal/json_line.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/json_bytes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace zsr::cli {
namespace {

// What a command prints on stdout meanwhile, instead of the channel to the batch.
class CapturedOutput {
 public:
  CapturedOutput() : file_(memfd_create("zsr-out", MFD_CLOEXEC)) {
    if (file_ < 0) throw IoError("cannot make a file in memory");
  }
  ~CapturedOutput() { close(file_); }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

  void begin() const {
    if (ftruncate(file_, 0) != 0 || lseek(file_, 0, SEEK_SET) != 0) throw IoError("cannot empty a file in memory");
    dup2(file_, STDOUT_FILENO);
  }
  std::string end() const {
    std::fflush(stdout);
    std::string text;
    std::array<char, 1U << 16U> buffer;
    lseek(file_, 0, SEEK_SET);
    for (ssize_t count = 0; (count = read(file_, buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
  }

 private:
  int file_;
};

Failure run_one(const std::vector<std::string>& arguments) {
  try {
    return {dispatch(arguments), {}, false};
  } catch (...) {
    return current_failure();
  }
}

}  // namespace

// Lines {"arguments": [...]} on stdin, lines {"code", "out", "error", "passing"} on stdout.
int run_worker(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) throw UsageError("worker is what batches start by themselves");
  setenv("ZSR_WORKER", "1", 1);
  if (const char* const memory = std::getenv("ZSR_MEMORY")) {
    // What a photo takes beyond its share is refused, not taken from the others.
    const rlim_t bytes = std::strtoull(memory, nullptr, 10);
    const rlimit limit{bytes, bytes};
#ifdef __SANITIZE_ADDRESS__
    (void)limit;  // the sanitizer's own tables would be refused
#else
    if (bytes > 0) setrlimit(RLIMIT_DATA, &limit);
#endif
  }
  const int channel = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  const CapturedOutput captured;
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = parse_json_text<nlohmann::json>(line);
    if (request.is_discarded()) return kExitUsage;
    captured.begin();
    const Failure outcome = run_one(request["arguments"].get<std::vector<std::string>>());
    const nlohmann::json answer{
        {"code", outcome.code}, {"out", captured.end()}, {"error", outcome.message}, {"passing", outcome.passing}};
    const std::string text = json_line(answer) + "\n";
    for (size_t at = 0; at < text.size();) {
      const ssize_t count = write(channel, text.data() + at, text.size() - at);
      if (count < 0 && errno != EINTR) return kExitFailed;
      at += static_cast<size_t>(std::max<ssize_t>(0, count));
    }
  }
  return kExitOk;
}

}  // namespace zsr::cli
