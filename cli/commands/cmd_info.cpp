#include "cli/command.h"
#include "cli/flags/options.h"
#include "cli/terminal/usage_error.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/json_bytes.h"
#include "degradations/estimation/photo_condition.h"
#include "image/gain_map.h"
#include "image/hdr.h"
#include "image/photo.h"
#include "image/photo_codec.h"
#include "nn/kernels/conv_backend.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sys/resource.h>
#include <sys/utsname.h>

namespace zsr::cli {
namespace {

// Null: the photo states no resolution.
nlohmann::ordered_json dpi(double pixels_per_mm) {
  if (pixels_per_mm <= 0.0) return nullptr;
  return pixels_per_mm * 25.4;
}

nlohmann::ordered_json hdr_json(const HdrCoding& coding, const LightLevels& light) {
  nlohmann::ordered_json json{{"primaries", primaries_name(coding.primaries)},
                              {"chromaticities", coding.primaries},
                              {"transfer", to_string(coding.transfer)},
                              {"bits", coding.bits},
                              {"peak_cd_m2", light.peak},
                              {"mean_cd_m2", light.mean}};
  if (coding.transfer == HdrTransfer::kLinear) json["white_cd_m2"] = coding.white;
  return json;
}

// What the photo shows: an SDR photo its condition, an HDR photo its light.
struct Looked {
  std::optional<PhotoCondition> condition;
  std::optional<LightLevels> light;
  std::shared_ptr<const GainMap> gain_map;
};

nlohmann::ordered_json photo_json(const std::string& path, const PhotoHeader& header, const Looked& looked) {
  nlohmann::ordered_json json{
      {"file", path},
      {"format", to_string(header.format)},
      {"width", header.width},
      {"height", header.height},
      {"megapixels", static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6},
      {"channels", header.bands},
      {"bit_depth", header.bit_depth},
      {"cmyk", header.cmyk},
      {"orientation", header.orientation},
      {"pages", header.sequence.pages},
      {"frame_ms", header.sequence.delays_ms},
      {"dpi_x", dpi(header.resolution.x)},
      {"dpi_y", dpi(header.resolution.y)},
      {"exif_bytes", header.exif_bytes},
      {"xmp_bytes", header.xmp_bytes},
      {"iptc_bytes", header.iptc_bytes},
      {"icc_bytes", header.icc_bytes}};
  if (looked.condition) json["condition"] = to_json(*looked.condition);
  if (looked.gain_map != nullptr) {
    json["gain_map"] = {{"width", looked.gain_map->pixels.width}, {"height", looked.gain_map->pixels.height}};
  }
  if (looked.light) json["hdr"] = hdr_json(*header.hdr, *looked.light);
  return json;
}

std::string kept(size_t bytes) {
  return bytes > 0 ? fmt::format("{} bytes, kept", bytes) : "none";
}

void print_light(const HdrCoding& coding, const LightLevels& light) {
  fmt::print("  HDR: primaries {}, transfer {}, {} bits{}\n", primaries_name(coding.primaries),
             to_string(coding.transfer), coding.bits, coding.bits == 32 ? " (float)" : "");
  if (coding.transfer == HdrTransfer::kLinear) fmt::print("  1.0 = {:g} cd/m2\n", coding.white);
  if (coding.transfer == HdrTransfer::kHlg) fmt::print("  light as on a display of 1000 cd/m2\n");
  fmt::print("  peak {:.4g} cd/m2, mean {:.4g} cd/m2\n", light.peak, light.mean);
}

void print_photo(const std::string& path, const PhotoHeader& header, const Looked& looked) {
  static const char* const kinds[] = {"", "gray", "gray + alpha", "RGB", "RGB + alpha"};
  fmt::print("{}\n  {} {}x{} ({:.1f} MP), {}{}, {} bit\n", path, to_string(header.format), header.width, header.height,
             static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6, kinds[header.bands],
             header.cmyk ? ", converted from CMYK" : "", header.bit_depth);
  fmt::print("  EXIF orientation {}{}\n", header.orientation,
             header.orientation > 1 ? ": pixels will be turned upright and the tag reset" : "");
  fmt::print("  EXIF {}; XMP {}; IPTC {}; ICC profile {}\n", kept(header.exif_bytes), kept(header.xmp_bytes),
             kept(header.iptc_bytes), kept(header.icc_bytes));
  if (header.resolution.known()) {
    fmt::print("  resolution {:.0f} dpi\n", header.resolution.x * 25.4);
  } else {
    fmt::print("  no resolution\n");
  }
  if (header.sequence.pages > 1) {
    fmt::print("  {} {}: --pages chooses, the first by default\n", header.sequence.pages,
               header.sequence.animated() ? "frames" : "pages");
  }
  if (looked.gain_map != nullptr) {
    fmt::print("  HDR gain map of {}x{}: enlarged too, and kept in JPEG results\n", looked.gain_map->pixels.width,
               looked.gain_map->pixels.height);
  }
  if (looked.light) print_light(*header.hdr, *looked.light);
  if (!looked.condition) return;
  fmt::print("  condition: {} (damage {:.2f} of 1)\n", describe(*looked.condition), looked.condition->damage);
}

void print_methods(bool json) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const pipeline::Method& method : pipeline::methods()) {
    std::vector<std::string> settings;
    for (const pipeline::Setting setting : method.settings) settings.push_back(to_string(setting));
    if (json) {
      list.push_back({{"method", method.name}, {"title", method.title}, {"settings", settings}});
    } else {
      fmt::print("{:<9} {}\n          {}\n", method.name, method.title, fmt::join(settings, ", "));
    }
  }
  if (json) fmt::print("{}\n", list.dump(2));
}

// One line each; environment variables only of a list, since others may hold secrets.
void print_bug_report() {
  const std::string codec = "libvips " + codec_version();
  fmt::print("zsr {}\n{}\n{}\n{}\nconvolution: {}\n", build_identity(), describe_runtime(describe_conv_backend()),
             describe_libraries(codec), codec, describe_conv_backend());
  fmt::print("cores {}, free memory {:.1f} GB, peak so far {:.0f} MB\n", available_cores(),
             static_cast<double>(available_memory()) / 1e9, static_cast<double>(peak_memory()) / 1e6);
  utsname system{};
  if (uname(&system) == 0) fmt::print("{} {} {}\n", system.sysname, system.release, system.machine);
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    if (line.rfind("PRETTY_NAME=", 0) == 0) fmt::print("{}\n", line.substr(12));
  }
  for (const auto& [resource, name] : {std::pair{RLIMIT_AS, "address space"},
                                       {RLIMIT_DATA, "data"},
                                       {RLIMIT_FSIZE, "file size"},
                                       {RLIMIT_NOFILE, "open files"}}) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0) continue;
    fmt::print("limit of {}: {}\n", name,
               limit.rlim_cur == RLIM_INFINITY ? std::string("none") : std::to_string(limit.rlim_cur));
  }
  for (const char* const variable :
       {"OMP_NUM_THREADS", "OMP_PROC_BIND", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "LD_PRELOAD", "LANG",
        "LC_ALL", "VIPS_CONCURRENCY", "SLURM_JOB_ID", "OMPI_COMM_WORLD_SIZE"}) {
    const char* const value = std::getenv(variable);
    if (value != nullptr) fmt::print("{}={}\n", variable, value);
  }
}

void print_machine(bool json) {
  if (!json) {
    fmt::print("zsr {}\n{}\nlibvips {}\nfree memory: {:.1f} GB\n", build_identity(),
               describe_runtime(describe_conv_backend()), codec_version(),
               static_cast<double>(available_memory()) / 1e9);
    return;
  }
  const nlohmann::json machine{{"version", build_identity()},
                               {"runtime", describe_runtime(describe_conv_backend())},
                               {"convolution", describe_conv_backend()},
                               {"cores", available_cores()},
                               {"available_memory_mb", static_cast<double>(available_memory()) / 1e6},
                               {"libvips", codec_version()}};
  fmt::print("{}\n", json_text(machine, 2));
}

int print_photos(const std::vector<std::string>& photos, bool json) {
  int result = kExitOk;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const std::string& path : photos) {
    try {
      PhotoHeader header = read_photo_header(path);
      ReadLimits limits;
      limits.hdr = true;
      const Photo photo = load_photo(path, limits);
      header.bands = static_cast<int>(photo.color.size(1)) + (photo.alpha.defined() ? 1 : 0);
      for (const std::string& note : photo.notes) fmt::print(stderr, "zsr: warning: {}\n", note);
      Looked looked;
      looked.gain_map = photo.gain_map;
      if (photo.range == DynamicRange::kHdr) {
        looked.light = light_levels(photo.color, photo.hdr);
      } else {
        looked.condition = look_at_condition(photo.color);
      }
      json ? all.push_back(photo_json(path, header, looked)) : print_photo(path, header, looked);
    } catch (const Error& error) {
      fmt::print(stderr, "zsr: {}\n", error.what());
      result = kExitFailed;
    }
  }
  if (json) fmt::print("{}\n", json_text((all.size() == 1 ? all[0] : all), 2));
  return result;
}

}  // namespace

int run_info(const std::vector<std::string>& arguments) {
  std::vector<std::string> photos;
  bool json = false;
  bool bug_report = false;
  bool methods = false;
  OptionSet options("zsr info [PHOTO...] [--bug-report]",
                    "Without a photo: versions, processor, devices. With one: what it holds, what zsr keeps, "
                    "and its condition (noise, compression, sharpness).",
                    "  zsr info\n  zsr info photo.jpg\n  zsr info --methods\n  zsr info --bug-report > report.txt\n");
  options.group("Options");
  options.positional("input,i", "PHOTO", "Photos to look at", &photos);
  options.flag("json", "Print JSON", &json);
  options.flag("methods", "The methods of 'zsr upscale -m' and the settings that each can use", &methods);
  options.flag("bug-report",
               "Everything about this machine and build that a bug report needs; nothing about your files",
               &bug_report);
  if (!options.parse(arguments)) return kExitOk;
  set_thread_count(0);
  if (methods) {
    if (!photos.empty()) throw UsageError("--methods lists what zsr has; leave the photos out");
    print_methods(json);
    return kExitOk;
  }
  if (bug_report) {
    if (!photos.empty()) throw UsageError("--bug-report tells of the machine; leave the photos out");
    print_bug_report();
    return kExitOk;
  }
  if (photos.empty()) {
    print_machine(json);
    return kExitOk;
  }
  return print_photos(photos, json);
}

}  // namespace zsr::cli
