#include "cli/upscale_request.h"

#include "cli/batch/batch_flags.h"
#include "cli/usage_error.h"
#include "core/files.h"
#include "core/image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unistd.h>

namespace zsr::cli {

namespace fs = std::filesystem;

void check_standard_streams(UpscaleFlags& flags, bool json) {
  const bool reads = std::find(flags.inputs.begin(), flags.inputs.end(), "-") != flags.inputs.end();
  if (reads && flags.inputs.size() > 1) throw UsageError("standard input (-) is one photo; name it alone");
  if (reads && flags.output.empty()) throw UsageError("name the result of standard input: -o FILE, or -o - for a pipe");
  if (reads && flags.keep_time) throw UsageError("--keep-time: standard input has no time of its own");
  if (flags.output.empty() || !is_standard_output(flags.output)) return;
  flags.output = "-";
  if (flags.inputs.size() > 1) throw UsageError("-o -: standard output takes one photo");
  if (json) throw UsageError("-o - and --json both write to standard output; leave one out");
  if (flags.keep_time) throw UsageError("--keep-time: standard output has no time");
  if (isatty(STDOUT_FILENO) != 0)
    throw UsageError("-o -: standard output is a terminal; send it to a file or a program");
}

std::optional<Size> photo_size(const UpscaleFlags& flags) {
  const SizeFlags& size = flags.size;
  const bool wanted = !(size.width.empty() && size.height.empty() && size.long_side.empty() && size.size.empty() &&
                        size.megapixels.empty());
  if (!wanted || flags.inputs.size() != 1) return std::nullopt;
  if (flags.inputs[0] != "-" && fs::is_directory(flags.inputs[0])) return std::nullopt;
  const PhotoHeader header = read_photo_header(flags.inputs[0]);
  return Size{header.height, header.width};
}

void warn_of_old_name(const std::string& value) {
  if (in_worker()) return;
  fmt::print(stderr,
             "zsr: warning: --width {} is taken as the network's channels, which are called --channels now; --width "
             "will only mean pixels\n",
             value);
}

std::vector<int64_t> factors_of(const UpscaleFlags& flags) {
  if (flags.method == "dip") return {2, 3, 4, 5, 6, 7, 8};
  return {2, 3, 4};
}

std::optional<SizeRequest> requested_size(const SizeFlags& flags, const OptionSet& given, bool channels,
                                          const std::string& task) {
  if (channels) return std::nullopt;
  const auto request = SizeRequest::from(flags, given);
  if (!request) return std::nullopt;
  if (given.given("scale")) {
    throw UsageError(fmt::format("{} and -s exclude each other; name one{}", request->text(),
                                 given.given("width") ? " (the network's channels are --channels)" : ""));
  }
  if (task != "sr") {
    throw UsageError(fmt::format("{} belongs to --task sr; the other tasks keep the photo's size", request->text()));
  }
  return request;
}

}  // namespace zsr::cli
