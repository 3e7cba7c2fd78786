#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

namespace zsr::cli {

/// Photos shared out among processes, on any machines, that see one folder: who makes a photo has a file there for as
/// long as it works, and touches it time and again. A file that nobody has touched for a lease belongs to somebody who
/// is gone; it is taken over. A photo that was made leaves a mark with the settings it was made with. How long that is
/// tells this process' own steady clock: clocks that differ or jump do no harm.
class Claims {
 public:
  /// `folder` is made. `settings` tells runs apart that make something else. `lease_s` > 0. Throws IoError.
  Claims(std::filesystem::path folder, std::string settings, double lease_s);

  enum class Answer {
    kOurs,       ///< Claimed: make it, then finish() or release().
    kTakenOver,  ///< Likewise, from somebody who is gone and may have left a result, or a part of one.
    kTheirs,     ///< Somebody else is at it, or was a moment ago: ask again later.
    kMade        ///< Somebody made it with these settings.
  };
  /// Throws IoError when the folder cannot be written.
  Answer claim(const std::string& name);
  /// It was made.
  void finish(const std::string& name);
  /// It was not; somebody may try again.
  void release(const std::string& name);
  /// Touches the files of all photos that are ours, when it is time.
  void keep();

 private:
  using Clock = std::chrono::steady_clock;
  // What was seen of a foreign claim, and when first.
  struct Sighting {
    std::string content;
    Clock::time_point since;
  };
  std::filesystem::path path_of(const std::string& name, const char* extension) const;
  bool create(const std::filesystem::path& path);
  std::string our_text() const;

  std::filesystem::path folder_;
  std::string settings_;
  double lease_s_;
  std::string owner_;
  int64_t beats_ = 0;
  Clock::time_point last_beat_;
  std::map<std::string, std::filesystem::path> ours_;
  std::map<std::string, Sighting> theirs_;
};

}  // namespace zsr::cli
