#include "cli/upscale/raw_input.h"

#include "pipeline/enlarge_mosaic.h"
#include "pipeline/methods.h"
#include "pipeline/trained.h"
#include "pipeline/upscale.h"

#include <utility>

namespace zsr::cli {

RawInput read_raw_input(const std::filesystem::path& input, const UpscaleSettings& settings) {
  const pipeline::Request& request = settings.request;
  const pipeline::Method& method = *pipeline::find_method(pipeline::first_method(request));
  const bool takes_noise = method.uses(pipeline::Setting::kNoise) && !request.noise_map.defined() &&
                           (!request.trained || request.trained->takes_noise());
  const bool joint = takes_noise && method.network && request.method != "auto";
  pipeline::DevelopRequest develop;
  develop.limits.max_pixels = settings.limits.max_pixels;
  develop.denoise = !joint;
  if (!settings.size_request && pipeline::enlarges_mosaic(request)) {
    develop.scale = 2;
    develop.scale_if_possible = true;
  }
  pipeline::Developed developed = pipeline::develop(input, develop);
  RawInput result{std::move(developed), settings};
  if (result.is_enlarged()) {
    result.settings.request.scale = {1.0, 1.0};  // what is left to do
    return result;
  }
  pipeline::NoiseRequest& noise = result.settings.request.noise;
  if (takes_noise && noise.source == pipeline::NoiseRequest::Source::kDefault) {
    noise.source = pipeline::NoiseRequest::Source::kGiven;
    noise.sigma = joint ? result.developed.record["noise"]["middle_gray_255"].get<double>() : 0.0;
  }
  return result;
}

}  // namespace zsr::cli
