#include "core/error.h"
#include "pipeline/methods.h"
#include "pipeline/photo_formation.h"

namespace zsr::pipeline {
namespace {

using Source = KernelRequest::Source;

constexpr double kLargestFactor = 8.0;  // for which a kernel can be estimated

// By default a kernel is estimated where the method was made for unknown blur.
//
// Light is blurred before it is coded, which near highlights is no convolution of PQ values: estimated kernels are less
// sure than those of SDR photos. Six photos of Set14 with light stretched to 1000 cd/m2, blurred in linear light by a
// Gaussian of 1.2 pixels, x2: PSNR of PQ values 26.82 by bicubic interpolation, 27.02 by ZSSR with the estimated kernel
// (from 0.6 dB better to 1.5 worse than interpolation), 27.09 with the bicubic one (never worse). `--kernel auto`
// estimates.
void decide_default_kernel(const Request& request, const Method& method, DynamicRange range, FormationPlan& plan) {
  const bool square = request.scale.y == request.scale.x;
  if (!method.blind) {
    plan.reason = method.name + " takes the bicubic kernel unless one is named";
  } else if (method.uses(Setting::kZssrNetwork) && request.zssr.preset != "default") {
    plan.reason = "the preset '" + request.zssr.preset + "' is for bicubic downscaling";
  } else if (range == DynamicRange::kHdr) {
    plan.reason = "in HDR photos light is blurred before it is coded, so that estimates are less sure";
  } else if (request.phase) {
    plan.reason = "kernels are estimated for centred pixels only";
  } else if (!square || request.scale.y > kLargestFactor) {
    plan.reason = "kernels are estimated for one factor up to 8 on both axes";
  } else {
    plan.estimate_kernel = true;
    plan.reason = "estimated, since none was named";
  }
}

void decide_noise(const Request& request, const Method& method, FormationPlan& plan) {
  if (request.noise_map.defined()) return;  // it takes the place of one level
  const bool by_default = plan.estimate_kernel && method.blind && request.zssr.preset == "default";
  switch (request.noise.source) {
    case NoiseRequest::Source::kGiven:
      plan.noise = request.noise.sigma;
      break;
    case NoiseRequest::Source::kEstimated:
      plan.estimate_noise = true;
      break;
    case NoiseRequest::Source::kDefault:
      plan.estimate_noise = by_default;
      break;
  }
}

}  // namespace

FormationPlan plan_formation(const Request& request, const std::string& name, DynamicRange range) {
  const Method& method = *find_method(name);
  FormationPlan plan;
  plan.kernel_name = "bicubic";
  if (!method.uses(Setting::kKernel) || request.scale.y == 1.0) {
    plan.reason = "the method takes no kernel";
    return plan;
  }
  const Source source = request.kernel.source;
  if (source == Source::kEstimated && request.scale.y != request.scale.x) {
    throw OptionError("--kernel auto needs the same factor for both axes");
  }
  if (source == Source::kEstimated && request.phase) {
    throw OptionError("--kernel auto estimates a kernel for --phase center");
  }
  if (!request.kernel_grid.kernels.empty()) {
    plan.kernels = request.kernel_grid.kernels;
    plan.kernel_name = request.kernel.name;
    plan.reason = "given, one for each cell";
  } else if (source == Source::kGiven) {
    plan.kernels = {request.kernel.kernel.value()};
    plan.kernel_name = request.kernel.name;
    plan.reason = "given";
  } else if (source == Source::kBicubic) {
    plan.reason = "given";
  } else if (source == Source::kEstimated) {
    plan.estimate_kernel = true;
    plan.reason = "estimated, as asked";
  } else {
    decide_default_kernel(request, method, range, plan);
  }
  if (plan.estimate_kernel) plan.kernel_name = "auto";
  decide_noise(request, method, plan);
  return plan;
}

}  // namespace zsr::pipeline
