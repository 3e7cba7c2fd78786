#include "degradations/step.h"

#include "core/error.h"
#include "degradations/compression.h"
#include "degradations/learned/learned_degradation.h"
#include "degradations/mosaic.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr {
namespace {

torch::Tensor blur(const BlurStep& step, const torch::Tensor& image, Sampling sampling) {
  const torch::Tensor result = correlate(image, make_kernel(step.kernel).weights(), sampling, step.border);
  return step.gain == 1.0 ? result : result.mul(step.gain);
}

Sampling sampling_of(const SubsampleStep& step) {
  return {step.factor, step.factor, step.offset, step.offset};
}

torch::Tensor torch_resize(const torch::Tensor& image, const ResizeStep& step) {
  const std::array<int64_t, 2> size = {step.height, step.width};
  if (step.method == ResizeMethod::kTorchArea) return torch::adaptive_avg_pool2d(image, size);
  if (step.method == ResizeMethod::kTorchBicubic) {
    return torch::upsample_bicubic2d(image, size, /*align_corners=*/false);
  }
  return torch::upsample_bilinear2d(image, size, /*align_corners=*/false);
}

torch::Tensor resized(const torch::Tensor& image, const ResizeStep& step) {
  if (step.height < 1 || step.width < 1) {
    throw OptionError(fmt::format("cannot resize to {}x{} pixels", step.width, step.height));
  }
  const auto factor = [](double given, int64_t out, int64_t in) {
    return given > 0.0 ? 1.0 / given : static_cast<double>(out) / static_cast<double>(in);
  };
  const Scale scale{factor(step.scale_y, step.height, image.size(2)), factor(step.scale_x, step.width, image.size(3))};
  ResizeOptions options;
  options.border = step.border;
  if (step.corner) options.phase = Phase{};
  options.antialias = step.method != ResizeMethod::kMatlabSampled;
  switch (step.method) {
    case ResizeMethod::kMatlabCubic:
    case ResizeMethod::kMatlabSampled:
      return imresize(image, scale, {step.height, step.width}, options);
    case ResizeMethod::kMatlabCubic8Bit:
      return imresize_uint8(quantize(image.to(torch::kFloat64)), scale, options).to(torch::kFloat32);
    case ResizeMethod::kOpenCvLinear:
      return opencv_resize(image, step.height, step.width, OpenCvResize::kLinear);
    case ResizeMethod::kOpenCvCubic:
      return opencv_resize(image, step.height, step.width, OpenCvResize::kCubic);
    case ResizeMethod::kOpenCvArea:
      return opencv_resize(image, step.height, step.width, OpenCvResize::kArea);
    case ResizeMethod::kTorchBilinear:
    case ResizeMethod::kTorchBicubic:
    case ResizeMethod::kTorchArea:
      return torch_resize(image, step);
  }
  return image;
}

struct Apply {
  const torch::Tensor& image;

  torch::Tensor operator()(const BlurStep& step) const { return blur(step, image, {}); }
  torch::Tensor operator()(const ResizeStep& step) const { return resized(image, step).clamp_(0.0, 1.0); }
  torch::Tensor operator()(const SubsampleStep& step) const {
    return image.slice(2, step.offset, image.size(2), step.factor)
        .slice(3, step.offset, image.size(3), step.factor)
        .contiguous();
  }
  torch::Tensor operator()(const GaussianNoiseStep& step) const {
    return add_gaussian_noise(image, step.level, step.color, step.seed, step.covariance);
  }
  torch::Tensor operator()(const SpeckleStep& step) const {
    return add_speckle(image.clamp(0.0, 1.0), step.level, step.color, step.seed, step.covariance);
  }
  torch::Tensor operator()(const PoissonStep& step) const {
    const double photons = step.photons > 0.0 ? step.photons : distinct_levels(image, step.color);
    return add_poisson_noise(image, photons, step.strength, step.color, step.seed);
  }
  torch::Tensor operator()(const CameraStep& step) const {
    return add_camera_noise(image, step.shot, step.read, step.seed);
  }
  torch::Tensor operator()(const JpegStep& step) const { return jpeg_round_trip(image, step.quality); }
  torch::Tensor operator()(const WebpStep& step) const { return webp_round_trip(image, step.quality); }
  torch::Tensor operator()(const SharpenStep& step) const {
    return sharpen(image, step.weight, step.radius, step.threshold);
  }
  torch::Tensor operator()(const RoundStep& step) const {
    // A value that is a whole level but for float32's rounding must not fall to the level below.
    return step.down ? image.mul(255.0).add_(1e-3).floor_().clamp_(0.0, 255.0).div_(255.0) : quantize(image);
  }
  torch::Tensor operator()(const GrainStep& step) const {
    return add_film_grain(image, {step.level, step.size_px, step.chroma, step.midtone}, step.seed);
  }
  torch::Tensor operator()(const MosaicStep& step) const { return sensor_mosaic(image, step); }
  torch::Tensor operator()(const LearnedStep& step) const {
    return learned_degradation(step.file, step.sha256)->apply(image, step.seed);
  }
};

}  // namespace

torch::Tensor apply_step(const Step& step, const torch::Tensor& image) {
  const torch::NoGradGuard no_grad;
  return std::visit(Apply{image}, step);
}

torch::Tensor apply_steps(const std::vector<Step>& steps, const torch::Tensor& image) {
  const torch::NoGradGuard no_grad;
  torch::Tensor result = image;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto* const first = std::get_if<BlurStep>(&steps[i]);
    const auto* const second = i + 1 < steps.size() ? std::get_if<SubsampleStep>(&steps[i + 1]) : nullptr;
    if (first != nullptr && second != nullptr) {
      result = blur(*first, result, sampling_of(*second));
      ++i;
    } else {
      result = std::visit(Apply{result}, steps[i]);
    }
  }
  return result;
}

Size size_after(const Step& step, Size before) {
  if (const auto* const resize = std::get_if<ResizeStep>(&step)) return {resize->height, resize->width};
  if (const auto* const sample = std::get_if<SubsampleStep>(&step)) {
    const auto part = [&](int64_t length) { return (length - sample->offset + sample->factor - 1) / sample->factor; };
    return {part(before.height), part(before.width)};
  }
  if (const auto* const learned = std::get_if<LearnedStep>(&step)) {
    const int64_t factor = learned_degradation(learned->file, learned->sha256)->shape().factor();
    return {before.height / factor, before.width / factor};
  }
  return before;
}

}  // namespace zsr
