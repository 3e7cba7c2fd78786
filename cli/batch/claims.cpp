#include "cli/batch/claims.h"

#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// Note [Claims are written in place]: a few bytes, each file's own line at its beginning. A temporary file and a rename
// would leave the temporary one behind when the process is killed between them; and a line that was cut off does no
// harm: half a claim is one more beat, and half a mark of what was made lets it be made again, to the same bytes.

// Owner and beat; changes with every beat.
std::string content_of(int descriptor) {
  std::array<char, 512> buffer{};
  const ssize_t count = pread(descriptor, buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<size_t>(std::max<ssize_t>(0, count))};
}

std::string content_of(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return {};
  std::string content = content_of(descriptor);
  close(descriptor);
  return content;
}

bool write_at_beginning(int descriptor, const std::string& text) {
  return pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

std::string unique_owner() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::random_device random;  // names a process, draws nothing that a result depends on
  return fmt::format("{} {} {:08x}", host.data(), getpid(), random());
}

}  // namespace

Claims::Claims(fs::path folder, std::string settings, double lease_s)
    : folder_(std::move(folder)),
      settings_(std::move(settings)),
      lease_s_(lease_s),
      owner_(unique_owner()),
      last_beat_(Clock::now()) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw IoError(fmt::format("cannot make folder '{}': {}", folder_.string(), error.message()));
}

fs::path Claims::path_of(const std::string& name, const char* extension) const {
  return folder_ / (sha256(name).substr(0, 32) + extension);
}

bool Claims::create(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    if (errno == EEXIST) return false;
    throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(errno)));
  }
  const bool written = write_at_beginning(descriptor, our_text());
  close(descriptor);
  if (written) return true;
  unlink(path.c_str());
  throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(ENOSPC)));
}

std::string Claims::our_text() const {
  return fmt::format("{} {:012}\n", owner_, beats_);  // as long as the last one
}

Claims::Answer Claims::claim(const std::string& name) {
  const fs::path path = path_of(name, ".claim");
  // The mark comes before the claim goes: whoever claims afterwards sees it.
  const auto claimed = [&](Answer how) {
    theirs_.erase(name);
    ours_[name] = path;
    if (content_of(path_of(name, ".made")) != settings_) return how;
    release(name);
    return Answer::kMade;
  };
  if (create(path)) return claimed(Answer::kOurs);
  const std::string content = content_of(path);
  const auto now = Clock::now();
  const auto seen = theirs_.find(name);
  if (seen == theirs_.end() || seen->second.content != content) {
    theirs_[name] = {content, now};
    return Answer::kTheirs;
  }
  if (std::chrono::duration<double>(now - seen->second.since).count() < lease_s_) return Answer::kTheirs;
  // Abandoned. One of those who want it moves it away; the others find nothing to move.
  const fs::path away = path.string() + "." + sha256(owner_).substr(0, 16);
  theirs_.erase(name);
  if (rename(path.c_str(), away.c_str()) != 0) return Answer::kTheirs;
  const bool same = content_of(away) == content;
  if (!same) {
    // It was taken over and claimed anew in between: give it back.
    if (link(away.c_str(), path.c_str()) != 0 && errno != EEXIST) {
      throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(errno)));
    }
    unlink(away.c_str());
    return Answer::kTheirs;
  }
  unlink(away.c_str());
  return create(path) ? claimed(Answer::kTakenOver) : Answer::kTheirs;
}

void Claims::finish(const std::string& name) {
  const fs::path path = path_of(name, ".made");
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  const bool written = descriptor >= 0 && write_at_beginning(descriptor, settings_);
  const int code = descriptor < 0 ? errno : ENOSPC;
  if (descriptor >= 0) close(descriptor);
  if (!written) throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(code)));
  release(name);
}

void Claims::release(const std::string& name) {
  const auto found = ours_.find(name);
  if (found == ours_.end()) return;
  if (content_of(found->second).starts_with(owner_)) unlink(found->second.c_str());
  ours_.erase(found);
}

void Claims::keep() {
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - last_beat_).count() < lease_s_ / 4.0) return;
  last_beat_ = now;
  ++beats_;
  for (const auto& [name, path] : ours_) {
    const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) continue;
    // Taken over while this process was stopped: the other one makes it too, to the same bytes.
    if (content_of(descriptor).starts_with(owner_)) write_at_beginning(descriptor, our_text());
    close(descriptor);
  }
}

}  // namespace zsr::cli
