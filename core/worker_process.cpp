#include "core/worker_process.h"

#include <fmt/format.h>

#include <csignal>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char** environ;

namespace zsr {

WorkerProcess::WorkerProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment) {
  std::vector<std::string> texts{program.string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  std::vector<std::string> own;
  for (const auto& [name, value] : environment) own.push_back(name + "=" + value);
  std::vector<char*> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (environment.count(std::string(text.substr(0, text.find('=')))) == 0) variables.push_back(*entry);
  }
  for (std::string& text : own) variables.push_back(text.data());
  variables.push_back(nullptr);

  Pipe failure;
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ < 0) throw IoError(fmt::format("cannot start '{}': {}", program.string(), strerror(errno)));
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);  // it died before it could be watched
    dup2(to_.read_end(), STDIN_FILENO);
    dup2(from_.write_end(), STDOUT_FILENO);
    setpgid(0, 0);
    execve(program.c_str(), words.data(), variables.data());
    const int code = errno;
    const ssize_t ignored = write(failure.write_end(), &code, sizeof(code));
    (void)ignored;
    _exit(127);
  }
  to_.close_end(0);
  from_.close_end(1);
  failure.close_end(1);
  int code = 0;
  if (read(failure.read_end(), &code, sizeof(code)) == static_cast<ssize_t>(sizeof(code))) {
    waitpid(child_, nullptr, 0);
    child_ = -1;
    throw IoError(fmt::format("cannot start '{}': {}", program.string(), strerror(code)));
  }
}

WorkerProcess::~WorkerProcess() {
  kill();
  wait();
}

bool WorkerProcess::send(const std::string& line) {
  const std::string whole = line + "\n";
  std::string_view left = whole;
  while (!left.empty()) {
    const ssize_t count = write(to_.write_end(), left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    left.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::optional<std::string> WorkerProcess::receive() {
  size_t end = received_.find('\n');
  while (end == std::string::npos && from_.open()) {
    pollfd watched{from_.read_end(), POLLIN, 0};
    if (poll(&watched, 1, 0) <= 0) break;
    std::array<char, 1U << 16U> buffer;
    const ssize_t count = read(from_.read_end(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      from_.close_end(0);
      break;
    }
    received_.append(buffer.data(), static_cast<size_t>(count));
    end = received_.find('\n');
  }
  if (end == std::string::npos) return std::nullopt;
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

void WorkerProcess::kill() {
  if (child_ > 0) ::kill(-child_, SIGKILL);
}

std::string WorkerProcess::wait() {
  if (child_ <= 0) return "is gone";
  to_.close_end(1);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  from_.close_end(0);
  if (!WIFSIGNALED(status)) return fmt::format("ended with code {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  if (signal == SIGKILL) return "was killed, most likely for want of memory";
  return fmt::format("crashed (signal {}, {})", signal, strsignal(signal));
}

}  // namespace zsr
