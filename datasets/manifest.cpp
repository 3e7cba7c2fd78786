#include "datasets/manifest.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace zsr {

Manifest read_manifest(const std::filesystem::path& path, bool allow_cut) {
  using Json = nlohmann::ordered_json;
  const std::string text = read_file(path, size_t{1} << 34U);
  Manifest manifest;
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    ++number;
    const bool whole = end != std::string::npos;
    const std::string line = text.substr(at, whole ? end - at : std::string::npos);
    at = whole ? end + 1 : text.size();
    if (!whole && allow_cut) break;
    Json json = parse_json_text<Json>(line);
    if (json.is_discarded() || !json.is_object()) {
      throw InputError(fmt::format("manifest '{}', line {}: not a JSON object{}", path.string(), number,
                                   whole ? "" : " (the file is cut off)"));
    }
    if (number > 1) {
      manifest.pairs.push_back(std::move(json));
      manifest.lines.push_back(line);
      continue;
    }
    if (!json.contains("zsr_manifest") || !json["zsr_manifest"].is_number_integer()) {
      throw InputError(
          fmt::format("'{}' is not a manifest of zsr degrade (its first line says nothing of it)", path.string()));
    }
    if (json["zsr_manifest"] != kManifestFormat) {
      throw InputError(fmt::format("manifest '{}' has format {}, this zsr reads format {}", path.string(),
                                   json["zsr_manifest"].dump(), kManifestFormat));
    }
    manifest.header = std::move(json);
  }
  if (manifest.header.is_null()) throw InputError(fmt::format("manifest '{}' is empty", path.string()));
  return manifest;
}

LineFile::LineFile(const std::filesystem::path& path)
    : path_(path), descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw IoError(fmt::format("cannot write '{}': {}", path.string(), system_error_text(errno)));
}

LineFile::~LineFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void LineFile::append(const std::string& line) {
  write_all(descriptor_, line + "\n", path_);
}

std::string text_of(const nlohmann::ordered_json& line, const char* field, const std::filesystem::path& manifest) {
  if (!line.contains(field) || !line[field].is_string()) {
    throw InputError(fmt::format("manifest '{}' is damaged: a line without '{}'", manifest.string(), field));
  }
  return line[field].get<std::string>();
}

}  // namespace zsr
