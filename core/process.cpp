#include "core/process.h"

#include "core/error.h"
#include "core/pipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace zsr {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kKeptOfErrors = 64U << 10U;
constexpr double kGraceSeconds = 3.0;

// Appends what is there; closes the pipe at its end.
void drain(Pipe& from, std::string& to) {
  std::array<char, 1U << 16U> buffer;
  const ssize_t count = read(from.read_end(), buffer.data(), buffer.size());
  if (count > 0) {
    to.append(buffer.data(), static_cast<size_t>(count));
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    from.close_end(0);
  }
}

[[noreturn]] void become(const std::filesystem::path& program, std::vector<char*>& words, const Pipe& out,
                         const Pipe& err, const Pipe& failure) {
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(out.write_end(), STDOUT_FILENO);
  dup2(err.write_end(), STDERR_FILENO);
  setpgid(0, 0);  // Ctrl-C reaches the parent alone, which decides
  execv(program.c_str(), words.data());
  const int code = errno;
  const ssize_t ignored = write(failure.write_end(), &code, sizeof(code));
  (void)ignored;
  _exit(127);
}

}  // namespace

std::filesystem::path own_program() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

ProgramRun run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                       std::optional<double> timeout_s, const std::function<bool()>& cancelled) {
  Pipe out;
  Pipe err;
  Pipe failure;
  std::vector<std::string> texts{program.string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);

  const auto begin = Clock::now();
  const pid_t child = fork();
  if (child < 0) throw IoError(fmt::format("cannot start '{}': {}", program.string(), strerror(errno)));
  if (child == 0) become(program, words, out, err, failure);
  for (Pipe* pipe : {&out, &err, &failure}) pipe->close_end(1);
  int code = 0;
  if (read(failure.read_end(), &code, sizeof(code)) == static_cast<ssize_t>(sizeof(code))) {
    waitpid(child, nullptr, 0);
    throw IoError(fmt::format("cannot start '{}': {}", program.string(), strerror(code)));
  }

  ProgramRun run;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  std::optional<double> asked_s;  // when it was asked to end
  while (out.open() || err.open()) {
    std::array<pollfd, 2> watched{pollfd{out.read_end(), POLLIN, 0}, pollfd{err.read_end(), POLLIN, 0}};
    constexpr int kPollMs = 100;
    poll(watched.data(), watched.size(), kPollMs);
    if (out.open() && watched[0].revents != 0) drain(out, run.out);
    if (err.open() && watched[1].revents != 0) drain(err, run.err);
    if (run.err.size() > 2 * kKeptOfErrors) run.err.erase(0, run.err.size() - kKeptOfErrors);
    const bool late = timeout_s && elapsed() > *timeout_s;
    if (!asked_s && (late || (cancelled && cancelled()))) {
      run.timed_out = late;
      asked_s = elapsed();
      kill(-child, SIGTERM);
    } else if (asked_s && elapsed() > *asked_s + kGraceSeconds) {
      kill(-child, SIGKILL);
    }
  }
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  run.seconds = elapsed();
  run.peak_bytes = static_cast<int64_t>(usage.ru_maxrss) * 1024;
  run.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  run.exit_code = run.signal != 0 ? 128 + run.signal : WEXITSTATUS(status);
  if (run.err.size() > kKeptOfErrors) run.err.erase(0, run.err.size() - kKeptOfErrors);
  return run;
}

}  // namespace zsr
