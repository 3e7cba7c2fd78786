#include "degradations/step_fields.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>

namespace zsr {
namespace {

constexpr const char* kStepNames[] = {"blur",          "resize",       "subsample", "gaussian-noise", "speckle",
                                      "poisson-noise", "camera-noise", "jpeg",      "webp",           "sharpen",
                                      "round",         "grain",        "mosaic",    "learned"};
constexpr const char* kFamilyNames[] = {"gaussian", "generalized", "plateau", "sinc",    "disk",
                                        "line",     "shake",       "bicubic", "div2krk", "file"};
constexpr const char* kBorderNames[] = {"symmetric", "reflect", "replicate", "wrap", "zero"};
constexpr const char* kResizeNames[] = {"matlab-cubic",   "matlab-cubic-8bit", "matlab-sampled",
                                        "opencv-linear",  "opencv-cubic",      "opencv-area",
                                        "torch-bilinear", "torch-bicubic",     "torch-area"};
constexpr const char* kResizeBorderNames[] = {"symmetric", "replicate"};
constexpr const char* kMosaicNames[] = {"rggb", "bggr", "grbg", "gbrg", "x-trans"};
constexpr const char* kColorNames[] = {"gray", "color", "correlated"};
static_assert(std::size(kStepNames) == std::variant_size_v<Step>);

constexpr int64_t kLargestSide = int64_t{1} << 20;

template <typename Enum>
void choose(FieldVisitor& visitor, const char* name, Enum& value, std::span<const char* const> names) {
  int index = static_cast<int>(value);
  visitor.choice(name, index, names);
  value = static_cast<Enum>(index);
}

struct Visit {
  FieldVisitor& v;

  void operator()(BlurStep& step) const {
    v.kernel("kernel", step.kernel);
    choose(v, "border", step.border, kBorderNames);
    v.number("gain", step.gain, 0.0, 10.0);
  }
  void operator()(ResizeStep& step) const {
    v.integer("height", step.height, 1, kLargestSide);
    v.integer("width", step.width, 1, kLargestSide);
    choose(v, "method", step.method, kResizeNames);
    if (step.method > ResizeMethod::kMatlabSampled) return;
    choose(v, "border", step.border, std::span(kResizeBorderNames));
    v.truth("corner", step.corner);
    v.number("scale_y", step.scale_y, 0.0, 1e6);
    v.number("scale_x", step.scale_x, 0.0, 1e6);
  }
  void operator()(SubsampleStep& step) const {
    v.integer("factor", step.factor, 1, 64);
    v.integer("offset", step.offset, 0, 63);
  }
  void noise(NoiseStep& step) const {
    v.number("level", step.level, 0.0, 1000.0);
    choose(v, "color", step.color, kColorNames);
    if (step.color == NoiseColor::kCorrelated) v.covariance("covariance", step.covariance, step.level);
    v.seed("seed", step.seed);
  }
  void operator()(GaussianNoiseStep& step) const { noise(step); }
  void operator()(SpeckleStep& step) const { noise(step); }
  void operator()(PoissonStep& step) const {
    v.number("photons", step.photons, 0.0, 1e9);
    v.number("strength", step.strength, 0.0, 1000.0);
    choose(v, "color", step.color, std::span(kColorNames).first(2));
    v.seed("seed", step.seed);
  }
  void operator()(CameraStep& step) const {
    v.number("shot", step.shot, 0.0, 1.0);
    v.number("read", step.read, 0.0, 1.0);
    v.seed("seed", step.seed);
  }
  void operator()(JpegStep& step) const { v.integer("quality", step.quality, 1, 100); }
  void operator()(WebpStep& step) const { v.integer("quality", step.quality, 1, 100); }
  void operator()(SharpenStep& step) const {
    v.number("weight", step.weight, 0.0, 10.0);
    v.integer("radius", step.radius, 1, 255);
    v.number("threshold", step.threshold, 0.0, 255.0);
  }
  void operator()(RoundStep& step) const { v.truth("down", step.down); }
  void operator()(GrainStep& step) const {
    v.number("level", step.level, 0.0, 1000.0);
    v.number("size_px", step.size_px, 0.0, kLargestGrain);
    v.number("chroma", step.chroma, 0.0, 1.0);
    v.number("midtone", step.midtone, 0.0, 1.0);
    v.seed("seed", step.seed);
  }
  void operator()(MosaicStep& step) const {
    choose(v, "phase", step.phase, kMosaicNames);
    v.number("red_gain", step.red_gain, 1.0, 16.0);
    v.number("blue_gain", step.blue_gain, 1.0, 16.0);
    v.number("shot", step.shot, 0.0, 1.0);
    v.number("read", step.read, 0.0, 1.0);
    v.integer("black", step.black, 0, 65535);
    v.integer("white", step.white, 1, 65535);
    v.seed("seed", step.seed);
  }
  void operator()(LearnedStep& step) const {
    v.text("file", step.file);
    v.text("sha256", step.sha256);
    v.seed("seed", step.seed);
  }
};

template <size_t... Index>
Step step_at(size_t wanted, std::index_sequence<Index...>) {
  Step step;
  ((wanted == Index ? (step.emplace<Index>(), 0) : 0), ...);
  return step;
}

}  // namespace

void visit_fields(Step& step, FieldVisitor& visitor) {
  std::visit(Visit{visitor}, step);
}

void visit_fields(KernelSpec& spec, FieldVisitor& v) {
  choose(v, "family", spec.family, kFamilyNames);
  const KernelFamily family = spec.family;
  if (family == KernelFamily::kFile) {
    v.text("file", spec.file);
    v.text("sha256", spec.sha256);
    v.integer("index", spec.index, 0, 1'000'000);
    v.number("shift", spec.shift, -64.0, 64.0);
    v.truth("flipped", spec.flipped);
    v.truth("move", spec.move);
    v.number("phase_y", spec.phase_y, -64.0, 64.0);
    v.number("phase_x", spec.phase_x, -64.0, 64.0);
    return;
  }
  if (family == KernelFamily::kBicubic) {
    v.number("scale", spec.scale, 2.0, 16.0);
    return;
  }
  v.integer("size", spec.size, 1, 255);
  v.number("offset", spec.offset, -64.0, 64.0);
  const bool gaussian = family == KernelFamily::kGaussian || family == KernelFamily::kGeneralized ||
                        family == KernelFamily::kPlateau || family == KernelFamily::kDiv2krk;
  if (gaussian) {
    v.number("sigma_1", spec.sigma_1, 1e-6, 255.0);
    v.number("sigma_2", spec.sigma_2, 1e-6, 255.0);
  }
  if (gaussian || family == KernelFamily::kLine) v.number("angle", spec.angle, -100.0, 100.0);
  if (family == KernelFamily::kGeneralized || family == KernelFamily::kPlateau) v.number("beta", spec.beta, 1e-3, 16.0);
  if (family == KernelFamily::kSinc) v.number("cutoff", spec.cutoff, 1e-3, std::numbers::pi);
  if (family == KernelFamily::kDisk) v.number("radius", spec.radius, 1e-3, 126.0);
  if (family == KernelFamily::kLine || family == KernelFamily::kShake) v.number("length", spec.length, 1e-3, 255.0);
  if (family == KernelFamily::kDiv2krk) v.number("noise", spec.noise, 0.0, 0.999);
  if (family == KernelFamily::kDiv2krk || family == KernelFamily::kShake) v.seed("seed", spec.seed);
}

std::span<const char* const> step_names() {
  return kStepNames;
}

std::string step_name(const Step& step) {
  return kStepNames[step.index()];
}

Step make_step(const std::string& name) {
  const auto* const found = std::find(std::begin(kStepNames), std::end(kStepNames), name);
  if (found == std::end(kStepNames)) {
    std::string all;
    for (const char* known : kStepNames) all += fmt::format("{}{}", all.empty() ? "" : ", ", known);
    throw OptionError(fmt::format("unknown step '{}'; there are {}", name, all));
  }
  return step_at(static_cast<size_t>(found - kStepNames), std::make_index_sequence<std::variant_size_v<Step>>());
}

std::span<const char* const> kernel_family_names() {
  return kFamilyNames;
}

}  // namespace zsr
