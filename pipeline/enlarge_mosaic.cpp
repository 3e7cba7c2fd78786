#include "pipeline/enlarge_mosaic.h"

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
