#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// Note [Batch manifest]
/// zsr-manifest.jsonl in the folder of the results (zsr-manifest-3-of-8.jsonl for a shard, zsr-manifest-HOST-PID.jsonl
/// where workers claim photos): one JSON object a line, appended in one write, never changed. A photo has a line with
/// status "started" before its work and one with "done", "failed" or "quarantined" behind it; both name the hash of
/// the settings. A killed run leaves at most an unfinished last line, which readers pass over and the next writer
/// closes. Names in it are looked up in the input folder's listing; no path is ever taken from it.

/// What a manifest says of one photo: the last line of each kind.
struct PhotoHistory {
  std::optional<nlohmann::json> started;
  std::optional<nlohmann::json> done;
  std::optional<nlohmann::json> quarantined;
  int64_t times_done = 0;
};

/// Photos by name.
using History = std::map<std::string, PhotoHistory>;

/// All the manifests in `folder`, in the order of their names. Lines that are no JSON are counted in `damaged` (may be
/// null). Throws IoError.
History read_manifests(const std::filesystem::path& folder, int64_t* damaged = nullptr);

/// Whether `output`, links followed, lies inside `folder`. A link in the folder, or a name in a manifest, may lead
/// anywhere.
bool is_inside(const std::filesystem::path& folder, const std::filesystem::path& output);

/// Names of the manifests in `folder`.
std::vector<std::filesystem::path> list_manifests(const std::filesystem::path& folder);

/// Appends lines to one manifest.
class ManifestWriter {
 public:
  /// Throws IoError.
  explicit ManifestWriter(const std::filesystem::path& path);
  ~ManifestWriter();
  ManifestWriter(const ManifestWriter&) = delete;
  ManifestWriter& operator=(const ManifestWriter&) = delete;

  /// One line, on the disk when this returns. Throws IoError; what was written of it is then taken back.
  void append(const nlohmann::json& line);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace zsr::cli
