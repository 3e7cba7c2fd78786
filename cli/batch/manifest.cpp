#include "cli/batch/manifest.h"

#include "cli/terminal/json_line.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

void add(History& history, nlohmann::json line) {
  if (!line.is_object() || !line.contains("name") || !line["name"].is_string()) return;  // the line of a run
  const std::string status = line.value("status", "");
  PhotoHistory& photo = history[line["name"].get<std::string>()];
  if (status == "started") {
    photo.started = std::move(line);
  } else if (status == "done") {
    photo.done = std::move(line);
    ++photo.times_done;
  } else if (status == "quarantined") {
    photo.quarantined = std::move(line);
  }
}

}  // namespace

bool is_inside(const fs::path& folder, const fs::path& output) {
  const fs::path relative = fs::weakly_canonical(output).lexically_relative(fs::weakly_canonical(folder));
  return !relative.empty() && *relative.begin() != "..";
}

std::vector<fs::path> list_manifests(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;
    if (name.starts_with("zsr-manifest") && name.ends_with(".jsonl") && it->is_regular_file(ignored)) {
      paths.push_back(it->path());
    }
  }
  if (error) throw IoError(fmt::format("cannot list folder '{}': {}", folder.string(), error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

History read_manifests(const fs::path& folder, int64_t* damaged) {
  History history;
  int64_t bad = 0;
  for (const fs::path& path : list_manifests(folder)) {
    std::ifstream file(path);
    if (!file) throw IoError(fmt::format("cannot read '{}'", path.string()));
    for (std::string line; std::getline(file, line);) {
      nlohmann::json json = parse_json_text<nlohmann::json>(line);
      if (json.is_discarded()) {
        ++bad;
        continue;
      }
      try {
        add(history, std::move(json));
      } catch (const nlohmann::json::exception&) {
        ++bad;  // a status that is no text
      }
    }
  }
  if (damaged != nullptr) *damaged = bad;
  return history;
}

ManifestWriter::ManifestWriter(const fs::path& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) {
    throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(errno)));
  }
  // Two runs that write one manifest would make every photo twice.
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(descriptor_);
    throw IoError(fmt::format("'{}' is in use by another run; --claim lets runs share a folder", path.string()));
  }
  struct stat status {};
  char last = '\n';
  if (fstat(descriptor_, &status) == 0 && status.st_size > 0) {
    const ssize_t count = pread(descriptor_, &last, 1, status.st_size - 1);
    if (count == 1 && last != '\n') write_all(descriptor_, "\n", path_);
  }
}

ManifestWriter::~ManifestWriter() {
  if (descriptor_ >= 0) close(descriptor_);
}

void ManifestWriter::append(const nlohmann::json& line) {
  struct stat before {};
  fstat(descriptor_, &before);
  try {
    write_all(descriptor_, json_line(line) + "\n", path_);
  } catch (const IoError&) {
    // A full disk: no half line stays. Where even that fails, readers pass over it.
    [[maybe_unused]] const int ignored = ftruncate(descriptor_, before.st_size);
    throw;
  }
  if (fsync(descriptor_) != 0) {
    throw IoError(fmt::format("cannot write '{}': {}", path_.string(), system_error_text(errno)));
  }
}

}  // namespace zsr::cli
