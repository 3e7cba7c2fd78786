#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace zsr {

/// Version of the manifest's own layout; raised when a reader of the old one would misunderstand the new one.
constexpr int kManifestFormat = 1;

/// A manifest in memory: its first line and one object per pair.
struct Manifest {
  nlohmann::ordered_json header;
  std::vector<nlohmann::ordered_json> pairs;
  std::vector<std::string> lines;  ///< The pairs as they stand in the file.
};

/// Reads a manifest. An unfinished last line is left out when `allow_cut`. Throws IoError, and InputError naming the
/// line that is not understood or the format it cannot read.
Manifest read_manifest(const std::filesystem::path& path, bool allow_cut);

/// Appends whole lines to a file.
class LineFile {
 public:
  /// Opens `path` for appending. Throws IoError.
  explicit LineFile(const std::filesystem::path& path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  /// Writes the line and its end in one call. Throws IoError.
  void append(const std::string& line);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// A text field of a line of `manifest`. Throws InputError where it is missing or no text.
std::string text_of(const nlohmann::ordered_json& line, const char* field, const std::filesystem::path& manifest);

}  // namespace zsr
