#include "image/photo_file.h"

#include "core/error.h"
#include "core/files.h"
#include "image/camera_raw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr {
namespace {

std::optional<ImageFormat> sniff_format(std::string_view head) {
  const auto starts = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  if (starts("\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (starts("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (starts({"II*\0", 4}) || starts({"MM\0*", 4}) || starts({"II+\0", 4}) || starts({"MM\0+", 4})) {
    return ImageFormat::kTiff;
  }
  if (starts("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP") return ImageFormat::kWebp;
  if (starts("GIF8")) return ImageFormat::kGif;
  if (starts("BM")) return ImageFormat::kBmp;
  if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' && std::isspace(head[2]) != 0) {
    return ImageFormat::kPnm;
  }
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp") {
    // The brand, or one of the compatible ones behind it.
    const bool av1 = head.substr(8).find("avif") != std::string_view::npos || head.substr(8, 4) == "avis";
    return av1 ? ImageFormat::kAvif : ImageFormat::kHeif;
  }
  if (starts("\x76\x2F\x31\x01")) return ImageFormat::kExr;
  if (starts("\xFF\x0A") || starts({"\0\0\0\x0CJXL \r\n\x87\n", 12})) return ImageFormat::kJxl;
  return std::nullopt;
}

}  // namespace

ImageFormat sniff_photo(const std::filesystem::path& path) {
  const std::filesystem::path file = readable_path(path);
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), system_error_text(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw IoError(fmt::format("cannot read photo '{}': it is a folder", path.string()));
  if (!S_ISREG(status.st_mode)) {
    throw IoError(fmt::format("cannot read photo '{}': it is not a regular file", path.string()));
  }
  if (status.st_size == 0) throw InputError(fmt::format("photo '{}' is empty (0 bytes)", path.string()));
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), system_error_text(errno)));
  }
  const ByteSource bytes = [descriptor](uint64_t at, size_t size) {
    std::string part(size, '\0');
    const ssize_t count = pread(descriptor, part.data(), size, static_cast<off_t>(at));
    part.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
    return part;
  };
  const std::string raw = camera_raw_kind(bytes);
  const auto format = sniff_format(bytes(0, 32));
  close(descriptor);
  if (!raw.empty()) {
    throw InputError(fmt::format(
        "'{}' is a camera raw file ({}), which holds no photo but a small preview; 'zsr develop' makes a photo of it, "
        "and 'zsr upscale' takes it as it is",
        path.string(), raw));
  }
  if (!format) {
    throw InputError(fmt::format(
        "'{}' is not a photo that zsr reads (PNG, JPEG, TIFF, WebP, GIF, HEIC, AVIF, JPEG XL, OpenEXR, PNM or "
        "BMP)",
        path.string()));
  }
  return *format;
}

}  // namespace zsr
