#include "tests/support/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace zsr::test {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// True when the process handles `signal` itself ("SigCgt" in proc(5): a bit for each signal, counted from 1).
bool handles(pid_t process, int signal) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

// Until the program's own handlers stand, or it has ended: loading LibTorch takes from half a second to many, under
// sanitizers and beside other tests.
void wait_until_ready(pid_t process) {
  const auto has_ended = [&] {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
  };
  while (!handles(process, SIGTERM) && !has_ended()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "zsr-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TempDir::names() const {
  std::vector<std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(path_))
    result.push_back(entry.path().filename().string());
  std::sort(result.begin(), result.end());
  return result;
}

ProgramResult run_zsr(const std::vector<std::string>& arguments, const std::string& before) {
  const TempDir scratch;
  std::string command = before + " " + quoted(ZSR_PROGRAM);
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " >" + quoted((scratch / "out").string()) + " 2>" + quoted((scratch / "err").string()) + " </dev/null";
  const int status = std::system(command.c_str());
  return {exit_code(status), read_bytes(scratch / "out"), read_bytes(scratch / "err")};
}

ProgramResult run_zsr_and_signal(const std::vector<std::string>& arguments, double seconds, int signal) {
  const TempDir scratch;
  const std::string out = (scratch / "out").string();
  const std::string err = (scratch / "err").string();
  const pid_t child = fork();
  if (child == 0) {
    dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    std::vector<char*> argv{const_cast<char*>(ZSR_PROGRAM)};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execv(ZSR_PROGRAM, argv.data());
    _exit(127);
  }
  wait_until_ready(child);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  kill(child, signal);
  int status = 0;
  waitpid(child, &status, 0);
  return {exit_code(status), read_bytes(out), read_bytes(err)};
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace zsr::test
