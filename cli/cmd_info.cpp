#include "cli/command.h"
#include "cli/options.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "core/conv/conv_backend.h"
#include "core/device.h"
#include "core/image/photo_codec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr::cli {
namespace {

nlohmann::json photo_json(const std::string& path, const PhotoHeader& header) {
  return {{"file", path},
          {"format", to_string(header.format)},
          {"width", header.width},
          {"height", header.height},
          {"megapixels", static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6},
          {"channels", header.bands},
          {"bit_depth", header.bit_depth},
          {"orientation", header.orientation},
          {"pages", header.pages},
          {"dpi_x", header.pixels_per_mm_x * 25.4},
          {"dpi_y", header.pixels_per_mm_y * 25.4},
          {"exif_bytes", header.exif_bytes},
          {"xmp_bytes", header.xmp_bytes},
          {"iptc_bytes", header.iptc_bytes},
          {"icc_bytes", header.icc_bytes}};
}

std::string kept(size_t bytes) {
  return bytes > 0 ? fmt::format("{} bytes, kept", bytes) : "none";
}

void print_photo(const std::string& path, const PhotoHeader& header) {
  static const char* const kinds[] = {"", "gray", "gray + alpha", "RGB", "RGB + alpha"};
  fmt::print("{}\n  {} {}x{} ({:.1f} MP), {}, {} bit\n", path, to_string(header.format), header.width, header.height,
             static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6, kinds[header.bands],
             header.bit_depth);
  fmt::print("  EXIF orientation {}{}\n", header.orientation,
             header.orientation > 1 ? ": pixels will be turned upright and the tag reset" : "");
  fmt::print("  EXIF {}; XMP {}; IPTC {}; ICC profile {}\n", kept(header.exif_bytes), kept(header.xmp_bytes),
             kept(header.iptc_bytes), kept(header.icc_bytes));
  if (header.pixels_per_mm_x > 0.0) fmt::print("  resolution {:.0f} dpi\n", header.pixels_per_mm_x * 25.4);
  if (header.pages > 1) fmt::print("  {} pages or frames: only the first is used\n", header.pages);
}

}  // namespace

int run_info(const std::vector<std::string>& arguments) {
  std::vector<std::string> photos;
  bool json = false;
  OptionSet options("zsr info [PHOTO...]",
                    "Without a photo: versions, processor, devices. With one: what it holds and what zsr keeps.",
                    "  zsr info\n  zsr info photo.jpg\n");
  options.group("Options");
  options.positional("input,i", "PHOTO", "Photos to look at", &photos);
  options.flag("json", "Print JSON", &json);
  if (!options.parse(arguments)) return kExitOk;
  set_thread_count(0);
  if (photos.empty()) {
    if (json) {
      fmt::print("{}\n", nlohmann::json{{"version", kVersion},
                                        {"runtime", describe_runtime()},
                                        {"convolution", describe_conv_backend()},
                                        {"cores", available_cores()},
                                        {"available_memory_mb", static_cast<double>(available_memory()) / 1e6},
                                        {"libvips", codec_version()}}
                             .dump(2));
      return kExitOk;
    }
    fmt::print("zsr {}\n{}\nlibvips {}\nfree memory: {:.1f} GB\n", kVersion, describe_runtime(), codec_version(),
               static_cast<double>(available_memory()) / 1e9);
    return kExitOk;
  }
  int result = kExitOk;
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& path : photos) {
    try {
      const PhotoHeader header = read_photo_header(path);
      json ? all.push_back(photo_json(path, header)) : print_photo(path, header);
    } catch (const Error& error) {
      fmt::print(stderr, "zsr: {}\n", error.what());
      result = kExitFailed;
    }
  }
  if (json) fmt::print("{}\n", (all.size() == 1 ? all[0] : all).dump(2));
  return result;
}

}  // namespace zsr::cli
