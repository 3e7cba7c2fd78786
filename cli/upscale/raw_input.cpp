#include "cli/upscale/raw_input.h"

#include "pipeline/raw_photo.h"

#include <utility>

namespace zsr::cli {

RawInput read_raw_input(const std::filesystem::path& input, const UpscaleSettings& settings) {
  pipeline::DevelopRequest develop = pipeline::develop_request(settings.request, settings.size_request.has_value());
  develop.limits.max_pixels = settings.limits.max_pixels;
  RawInput result{pipeline::develop(input, develop), settings};
  result.settings.request = pipeline::request_after(settings.request, result.developed);
  return result;
}

}  // namespace zsr::cli
