#pragma once

#include "core/pipe.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace zsr {

/// Another program that answers lines with lines, over its standard input and output; its standard error is this
/// program's. It stands in a process group of its own, so that Ctrl-C reaches this program alone, and is killed when
/// this one dies.
class WorkerProcess {
 public:
  /// `environment` is added to this program's. Throws IoError when it cannot be started.
  WorkerProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment);
  /// Kills it if it still runs.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// One line, without its end. False when the program is gone.
  bool send(const std::string& line);
  /// Becomes readable when there is something to receive, or when the program has ended.
  int descriptor() const { return from_.read_end(); }
  /// The next whole line, if one has come. Does not wait.
  std::optional<std::string> receive();
  /// True once its output has ended: it is gone, or going.
  bool ended() const { return !from_.open(); }
  /// SIGKILL to it and all that it started.
  void kill();
  /// Waits for its end; how it ended in words: "ended with code 3", "crashed (signal 11)".
  std::string wait();

 private:
  Pipe to_;
  Pipe from_;
  std::string received_;
  pid_t child_ = -1;
};

}  // namespace zsr
