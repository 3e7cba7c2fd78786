#include "core/files.h"

#include "core/error.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace zsr {
namespace {

// Names of open temporary files, for the signal handler: fixed storage, no locks, no allocation.
struct TemporarySlot {
  std::atomic<bool> taken{false};
  std::atomic<bool> named{false};
  std::array<char, 4096> path{};
};
std::array<TemporarySlot, 64> temporary_slots;

void register_temporary(const std::string& path) {
  for (TemporarySlot& slot : temporary_slots) {
    bool expected = false;
    if (path.size() + 1 > slot.path.size() || !slot.taken.compare_exchange_strong(expected, true)) continue;
    std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
    slot.named = true;
    return;
  }
}

void unregister_temporary(const std::string& path) {
  for (TemporarySlot& slot : temporary_slots) {
    if (slot.named && path == slot.path.data()) {
      slot.named = false;
      slot.taken = false;
      return;
    }
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

bool is_device_status(const struct stat& status) {
  return S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode);
}

// Standard output as the program was started with it.
int& output_descriptor() {
  static int descriptor = STDOUT_FILENO;
  return descriptor;
}

// All that can be read from `descriptor`, in a file in memory.
int copy_in_memory(int descriptor, const std::filesystem::path& name) {
  const int copy = memfd_create("zsr-input", MFD_CLOEXEC);
  if (copy < 0) throw IoError("cannot get memory for standard input");
  std::vector<char> buffer(size_t{1} << 20U);
  for (;;) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError(fmt::format("cannot read '{}': {}", name.string(), system_error_text(errno)));
    if (count == 0) return copy;
    write_all(copy, {buffer.data(), static_cast<size_t>(count)}, name);
  }
}

[[noreturn]] void throw_write_error(const std::filesystem::path& path, int code) {
  throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(code)));
}

[[noreturn]] void throw_exists(const std::filesystem::path& output) {
  throw IoError(fmt::format("output '{}' already exists; use --force to replace it", output.string()));
}

}  // namespace

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat status_a {};
  struct stat status_b {};
  return stat(a.c_str(), &status_a) == 0 && stat(b.c_str(), &status_b) == 0 && status_a.st_dev == status_b.st_dev &&
         status_a.st_ino == status_b.st_ino;
}

void check_absent(const std::filesystem::path& output) {
  struct stat status {};
  if (lstat(output.c_str(), &status) == 0) throw_exists(output);
}

std::filesystem::path readable_path(const std::filesystem::path& path) {
  static std::mutex mutex;
  static std::map<std::string, int> copies;
  const std::lock_guard lock(mutex);
  const std::string name = path.string();
  const auto known = copies.find(name);
  if (known != copies.end()) return fmt::format("/proc/self/fd/{}", known->second);
  const bool standard = name == "-";
  struct stat status {};
  const bool pipe = (name.starts_with("/dev/") || name.starts_with("/proc/")) && stat(name.c_str(), &status) == 0 &&
                    (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
  if (!standard && !pipe) return path;
  if (standard && isatty(STDIN_FILENO) != 0) {
    throw IoError("standard input is a terminal; send a photo there, e.g. with < photo.jpg, or name a file");
  }
  const int from = standard ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) throw IoError(fmt::format("cannot read '{}': {}", name, system_error_text(errno)));
  const int copy = copy_in_memory(from, path);
  if (!standard) close(from);
  copies[name] = copy;
  return fmt::format("/proc/self/fd/{}", copy);
}

bool is_standard_output(const std::filesystem::path& path) {
  const std::string name = path.string();
  return name == "-" || name == "/dev/stdout" || name == "/dev/fd/1" || name == "/proc/self/fd/1";
}

void reserve_standard_output() {
  std::fflush(stdout);
  if (output_descriptor() != STDOUT_FILENO) return;
  const int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (kept < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw IoError(fmt::format("cannot use standard output: {}", system_error_text(errno)));
  }
  output_descriptor() = kept;
}

void make_folder_of(const std::filesystem::path& output) {
  std::error_code error;
  std::filesystem::create_directories(folder_of(output), error);
  if (error) {
    throw IoError(fmt::format("cannot write '{}': cannot make the folder '{}': {}", output.string(),
                              folder_of(output).string(), error.message()));
  }
}

bool is_device(const std::filesystem::path& path) {
  struct stat status {};
  return path == "-" || (stat(path.c_str(), &status) == 0 && is_device_status(status));
}

void check_name(const std::filesystem::path& path, const char* what) {
  const std::string name = path.filename().string();
  const long most = pathconf(folder_of(path).c_str(), _PC_NAME_MAX);
  if (most <= 0 || name.size() <= static_cast<size_t>(most)) return;
  throw IoError(
      fmt::format("cannot write '{}' ({}): the name has {} bytes, the file system allows {}; name a shorter "
                  "output with -o",
                  path.string(), what, name.size(), most));
}

void check_output(const std::filesystem::path& output, const std::filesystem::path& input, Overwrite overwrite) {
  if (output == "-") return;
  struct stat status {};
  if (stat(output.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw IoError(fmt::format("cannot write '{}': it is a folder", output.string()));
    if (is_device_status(status)) return;
    if (!input.empty() && is_same_file(input, output)) {
      throw IoError(fmt::format("output '{}' is the input itself; zsr never overwrites its input, choose another name",
                                output.string()));
    }
    if (overwrite == Overwrite::kNo) throw_exists(output);
    if (!S_ISREG(status.st_mode)) {
      throw IoError(fmt::format("cannot write '{}': it is not a regular file", output.string()));
    }
  }
  const std::filesystem::path folder = folder_of(output);
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw IoError(fmt::format("cannot write '{}': the folder '{}' does not exist", output.string(), folder.string()));
  }
  check_name(output, "the output");
  // Trying is the only honest test of "writable": permissions, read-only mounts and root all differ.
  { const AtomicFile probe(output, Overwrite::kYes); }
}

AtomicFile::AtomicFile(std::filesystem::path target, Overwrite overwrite, Flush flush)
    : target_(std::move(target)), overwrite_(overwrite), flush_(flush) {
  if (target_ == "-") {
    descriptor_ = fcntl(output_descriptor(), F_DUPFD_CLOEXEC, 3);
    if (descriptor_ < 0) throw_write_error(target_, errno);
    return;
  }
  struct stat status {};
  if (stat(target_.c_str(), &status) == 0 && is_device_status(status)) {
    descriptor_ = open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw_write_error(target_, errno);
    return;
  }
  temporary_ = (folder_of(target_) / ("." + target_.filename().string().substr(0, 200) + ".zsr-XXXXXX")).string();
  descriptor_ = mkostemp(temporary_.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    const int code = errno;
    temporary_.clear();
    throw_write_error(target_, code);
  }
  register_temporary(temporary_);
  // The mask can only be read by setting it, which two threads must not do at once.
  static const mode_t mask = [] {
    const mode_t now = umask(0);
    umask(now);
    return now;
  }();
  fchmod(descriptor_, 0666 & ~mask);  // mkostemp makes it 0600; a result is an ordinary file
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) {
    unlink(temporary_.c_str());
    unregister_temporary(temporary_);
  }
}

void AtomicFile::write(std::string_view bytes) {
  write_all(descriptor_, bytes, target_);
}

void AtomicFile::commit() {
  const bool device = temporary_.empty();
  if (!device && flush_ == Flush::kYes && fsync(descriptor_) != 0) throw_write_error(target_, errno);
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw_write_error(target_, errno);
  if (device) return;
  // link() refuses to replace, rename() replaces: both in one step, so nobody ever sees half a file. A file system
  // without hard links (FAT, some network shares) gets the checked rename.
  if (overwrite_ == Overwrite::kNo) {
    if (link(temporary_.c_str(), target_.c_str()) == 0) {
      unlink(temporary_.c_str());
    } else if (errno == EEXIST || access(target_.c_str(), F_OK) == 0) {
      throw_exists(target_);
    } else if (rename(temporary_.c_str(), target_.c_str()) != 0) {
      throw_write_error(target_, errno);
    }
  } else if (rename(temporary_.c_str(), target_.c_str()) != 0) {
    throw_write_error(target_, errno);
  }
  unregister_temporary(temporary_);
  temporary_.clear();
  if (flush_ == Flush::kNo) return;
  // The rename itself must survive a power cut; not every file system can flush a folder, so a failure is no error.
  const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text, Overwrite overwrite) {
  AtomicFile file(target, overwrite);
  file.write(text);
  file.commit();
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& target) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_write_error(target, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

std::string read_file(const std::filesystem::path& path, size_t max_bytes) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), system_error_text(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw IoError(fmt::format("cannot read '{}': it is a folder", path.string()));
  if (static_cast<uint64_t>(status.st_size) > max_bytes) {
    throw InputError(
        fmt::format("'{}' is {} bytes, more than the {} allowed here", path.string(), status.st_size, max_bytes));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  if (!file || !file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), system_error_text(errno)));
  }
  return bytes;
}

void remove_temporary_files() noexcept {
  for (TemporarySlot& slot : temporary_slots) {
    if (slot.named) unlink(slot.path.data());
  }
}

}  // namespace zsr
