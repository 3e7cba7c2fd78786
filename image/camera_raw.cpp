#include "image/camera_raw.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace zsr {
namespace {

// Tags of TIFF 6.0, TIFF/EP and the DNG specification.
constexpr uint16_t kNewSubfileType = 254;
constexpr uint16_t kMake = 271;
constexpr uint16_t kSubDirectories = 330;
constexpr uint16_t kDngVersion = 50706;

constexpr const char* kExtensions[] = {".dng", ".nef", ".nrw", ".arw", ".cr2", ".cr3", ".raf", ".orf", ".rw2"};

}  // namespace

std::string camera_raw_kind(const ByteSource& bytes) {
  const std::string head = bytes(0, 16);
  const auto starts = [&](std::string_view magic) { return std::string_view(head).substr(0, magic.size()) == magic; };
  if (starts("FUJIFILMCCD-RAW")) return "Fujifilm RAF";
  if (starts("IIRO") || starts("IIRS") || starts("MMOR")) return "Olympus ORF";
  if (starts({"IIU\0", 4})) return "Panasonic RW2";
  if (head.size() >= 12 && head.substr(4, 8) == "ftypcrx ") return "Canon CR3";
  if (starts({"II*\0", 4}) && head.size() >= 10 && head.substr(8, 2) == "CR") return "Canon CR2";
  const auto directory = TiffDirectory::read(bytes);
  if (!directory) return {};
  if (directory->has(kDngVersion)) return "DNG";
  const std::string make = directory->text(kMake);
  const bool reduced = directory->number(kNewSubfileType).value_or(0.0) == 1.0;
  if (directory->has(kSubDirectories) && make.starts_with("NIKON")) return "Nikon NEF";
  if (directory->has(kSubDirectories) && make.starts_with("SONY")) return "Sony ARW";
  return reduced ? "TIFF with a reduced copy in front" : "";
}

bool has_camera_raw_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(std::begin(kExtensions), std::end(kExtensions), extension) != std::end(kExtensions);
}

}  // namespace zsr
