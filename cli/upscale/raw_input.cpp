#include "cli/upscale/raw_input.h"

#include "pipeline/develop.h"
#include "pipeline/methods.h"
#include "pipeline/upscale.h"

#include <utility>

namespace zsr::cli {

namespace {

// At x2 the mosaic itself is enlarged, unless something is asked of a method, or the result is resampled.
bool enlarges_mosaic(const UpscaleSettings& settings) {
  const pipeline::Request& request = settings.request;
  const bool twice = request.scale.y == 2.0 && request.scale.x == 2.0 && request.passes == 1;
  const bool resampled = settings.size_request || request.target || request.target_scale || request.keep;
  const bool steered = !request.leaves_method_open() || request.training || request.restore.strength ||
                       request.ensemble || request.back_projection || request.tile != 0 || request.phase ||
                       request.wrap || request.kernel.source != pipeline::KernelRequest::Source::kDefault ||
                       request.noise.source != pipeline::NoiseRequest::Source::kDefault;
  const bool mended = request.restore.tone || request.restore.scratches != pipeline::RestoreRequest::Scratches::kKept;
  return twice && !resampled && !steered && !mended;
}

}  // namespace

RawInput read_raw_input(const std::filesystem::path& input, const UpscaleSettings& settings) {
  const pipeline::Request& request = settings.request;
  const pipeline::Method& method = *pipeline::find_method(pipeline::first_method(request));
  const bool takes_noise = method.uses(pipeline::Setting::kNoise) && !request.noise_map.defined() &&
                           (!request.trained || request.trained->takes_noise());
  const bool joint = takes_noise && method.network && request.method != "auto";
  pipeline::DevelopRequest develop;
  develop.limits.max_pixels = settings.limits.max_pixels;
  develop.denoise = !joint;
  if (enlarges_mosaic(settings)) {
    develop.scale = 2;
    develop.scale_if_possible = true;
  }
  pipeline::Developed developed = pipeline::develop(input, develop);
  RawInput result{std::move(developed.photo), std::move(developed.record), settings};
  if (result.record["scale"] == 2) {
    result.is_enlarged = true;
    result.settings.request.scale = {1.0, 1.0};
    result.settings.request.method = "bicubic";  // which leaves a photo of its own size as it is
    return result;
  }
  pipeline::NoiseRequest& noise = result.settings.request.noise;
  if (takes_noise && noise.source == pipeline::NoiseRequest::Source::kDefault) {
    noise.source = pipeline::NoiseRequest::Source::kGiven;
    noise.sigma = joint ? result.record["noise"]["middle_gray_255"].get<double>() : 0.0;
  }
  return result;
}

}  // namespace zsr::cli
