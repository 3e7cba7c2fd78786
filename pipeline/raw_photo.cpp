#include "pipeline/raw_photo.h"

#include "pipeline/methods.h"
#include "pipeline/trained.h"

#include <torch/types.h>

#include <utility>

namespace zsr::pipeline {

bool enlarges_mosaic(const Request& request) {
  const bool twice = request.scale.y == 2.0 && request.scale.x == 2.0 && request.passes == 1;
  const bool resampled = request.target || request.target_scale || request.keep;
  const bool steered = !request.leaves_method_open() || request.training || request.restore.strength ||
                       request.ensemble || request.back_projection || request.tile != 0 || request.phase ||
                       request.wrap || request.kernel.source != KernelRequest::Source::kDefault ||
                       request.noise.source != NoiseRequest::Source::kDefault;
  const bool mended = request.restore.tone || request.restore.scratches != RestoreRequest::Scratches::kKept;
  return twice && !resampled && !steered && !mended;
}

namespace {

bool takes_noise(const Request& request) {
  return find_method(first_method(request))->uses(Setting::kNoise) && !request.noise_map.defined() &&
         (!request.trained || request.trained->takes_noise());
}

// The network takes the noise out itself.
bool is_joint(const Request& request) {
  return takes_noise(request) && find_method(first_method(request))->network && request.method != "auto";
}

}  // namespace

DevelopRequest develop_request(const Request& request, bool resampled) {
  DevelopRequest develop;
  develop.denoise = !is_joint(request);
  if (!resampled && enlarges_mosaic(request)) {
    develop.scale = 2;
    develop.scale_if_possible = true;
  }
  return develop;
}

Request request_after(Request request, const Developed& developed) {
  if (developed.record.value("scale", 1) > 1) {
    request.scale = {1.0, 1.0};
    return request;
  }
  if (takes_noise(request) && request.noise.source == NoiseRequest::Source::kDefault) {
    request.noise.sigma = is_joint(request) ? developed.record["noise"]["middle_gray_255"].get<double>() : 0.0;
    request.noise.source = NoiseRequest::Source::kGiven;
  }
  return request;
}

Outcome outcome_of(Developed developed) {
  const auto scale = developed.record["scale"].get<int64_t>();
  Outcome outcome;
  outcome.photo = std::move(developed.photo);
  outcome.method = developed.record["network"].get<std::string>();
  outcome.warnings = outcome.photo.notes;
  const int64_t height = outcome.photo.color.size(2);
  const int64_t width = outcome.photo.color.size(3);
  outcome.record = {
      {"method", outcome.method},
      {"fields", {{"method", {{"given", nullptr}, {"chosen", outcome.method}, {"used", outcome.method}}}}},
      {"scale", {{"x", static_cast<double>(scale)}, {"y", static_cast<double>(scale)}}},
      {"input_size", {{"width", width / scale}, {"height", height / scale}}},
      {"output_size", {{"width", width}, {"height", height}}},
      {"device", "cpu"}};
  return outcome;
}

}  // namespace zsr::pipeline
