#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace zsr {

/// True when both paths lead to one file (same device and inode), whatever their spelling or links.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

/// Whether an existing output may be replaced.
enum class Overwrite { kNo, kYes };

/// Throws IoError when there is anything at `output`, a link that leads nowhere too.
void check_absent(const std::filesystem::path& output);

/// Throws IoError, naming `output`, unless a file can be made there: its folder exists and is writable, it is not one
/// of a folder, an existing file (unless `overwrite`) or `input` itself (never). Call it before long work.
void check_output(const std::filesystem::path& output, const std::filesystem::path& input, Overwrite overwrite);

/// Where the content of an input can be read as often as need be: `path` itself, or, for "-" (standard input) and for
/// pipes such as /dev/stdin and the shell's <(...), a copy in memory that the first call makes. Throws IoError where
/// standard input is a terminal or cannot be read.
std::filesystem::path readable_path(const std::filesystem::path& path);

/// Whether `path` names standard output: "-", /dev/stdout and what else leads there.
bool is_standard_output(const std::filesystem::path& path);

/// From now on only an AtomicFile called "-" writes to the standard output that the program was started with; all else
/// that is printed there goes to standard error.
void reserve_standard_output();

/// Makes the folder that `output` will lie in, and those above it. Throws IoError.
void make_folder_of(const std::filesystem::path& output);

/// Whether there is a device or a pipe at `path`, or it is "-".
bool is_device(const std::filesystem::path& path);

/// Throws IoError when the name is longer than its file system allows. `what`: what the file is for.
void check_name(const std::filesystem::path& path, const char* what);

/// Whether a result must survive a power cut before the call returns, or only the end of this process.
enum class Flush { kYes, kNo };

/// A file that appears whole or not at all: written under a temporary name in the same folder, flushed to the disk,
/// then renamed. Without commit() the destructor removes the temporary file. A device is written directly, and "-" is
/// standard output.
class AtomicFile {
 public:
  /// Throws IoError when the temporary file cannot be made.
  AtomicFile(std::filesystem::path target, Overwrite overwrite, Flush flush = Flush::kYes);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// File descriptor to write to, open until commit().
  int descriptor() const { return descriptor_; }
  /// Appends `bytes`. Throws IoError (disk full, ...).
  void write(std::string_view bytes);
  /// Flushes (unless Flush::kNo) and gives the file its name. Throws IoError; the old file, if any, is then untouched.
  void commit();

 private:
  std::filesystem::path target_;
  std::string temporary_;  // empty for a device
  Overwrite overwrite_;
  Flush flush_;
  int descriptor_ = -1;
};

/// Writes `text` to `target` through an AtomicFile.
void write_file_atomically(const std::filesystem::path& target, std::string_view text, Overwrite overwrite);

/// Writes all `bytes` to an open descriptor. Throws IoError naming `target`.
void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& target);

/// Whole content of the file. Throws IoError when it cannot be read and InputError when it is over `max_bytes`.
std::string read_file(const std::filesystem::path& path, size_t max_bytes);

/// Removes the temporary files of all AtomicFiles that are open. Safe in a signal handler.
void remove_temporary_files() noexcept;

}  // namespace zsr
