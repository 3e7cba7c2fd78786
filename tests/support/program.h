#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace zsr::test {

/// A folder of its own for the running test, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Names of what is in it, sorted.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

struct ProgramResult {
  int code = 0;  ///< Exit code; 128 + signal when killed.
  std::string out;
  std::string err;
};

/// Runs the built zsr with `arguments` and waits. `before` is shell text put in front, e.g. "ulimit -f 8;".
ProgramResult run_zsr(const std::vector<std::string>& arguments, const std::string& before = "");

/// Starts it, sends `signal` once it handles Ctrl-C and `seconds` have passed since, and waits.
ProgramResult run_zsr_and_signal(const std::vector<std::string>& arguments, double seconds, int signal);

void write_bytes(const std::filesystem::path& path, const std::string& bytes);
std::string read_bytes(const std::filesystem::path& path);

}  // namespace zsr::test
