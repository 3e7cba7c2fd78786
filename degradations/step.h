#pragma once

#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "degradations/noise.h"
#include "image/resize.h"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace zsr {

/// Note [Steps]
/// A degradation is a list of steps whose every number is settled: what a recipe has drawn, what a record stores and
/// what a replay repeats. Steps take and give [1, C, H, W] float32 CPU images in [0, 1]; kernels may overshoot until
/// the next step that clips. Random steps carry their own seed.

/// Correlation with a kernel; `gain` multiplies the result (DIV2KRK's kernels lose a little at their edge).
struct BlurStep {
  KernelSpec kernel;
  Border border = Border::kSymmetric;
  double gain = 1.0;
};

/// Which program's resampling: they differ in antialiasing, in the cubic's parameter and in the grid.
enum class ResizeMethod {
  kMatlabCubic,      ///< imresize of a double image.
  kMatlabCubic8Bit,  ///< imresize of a uint8 image, to the byte.
  kMatlabSampled,    ///< Cubic interpolation without antialiasing: reads an image that is blurred already.
  kOpenCvLinear,
  kOpenCvCubic,
  kOpenCvArea,
  kTorchBilinear,  ///< torch interpolate, align_corners false, no antialiasing; cubic a = -0.75.
  kTorchBicubic,
  kTorchArea,
};

/// To a size in pixels; the result is clipped to [0, 1].
struct ResizeStep {
  int64_t height = 1;
  int64_t width = 1;
  ResizeMethod method = ResizeMethod::kMatlabCubic;
  ResizeBorder border = ResizeBorder::kSymmetric;  ///< Of the MATLAB methods.
  bool corner = false;   ///< Of the MATLAB methods: LR pixel i stands at s * i (Note [Sub-pixel phase]).
  double scale_y = 0.0;  ///< Of the MATLAB methods: in / out; 0 = from the sizes.
  double scale_x = 0.0;
};

/// Every `factor`-th pixel from `offset` on.
struct SubsampleStep {
  int64_t factor = 2;
  int64_t offset = 0;
};

/// See add_gaussian_noise and add_speckle.
struct NoiseStep {
  double level = 10.0;
  NoiseColor color = NoiseColor::kColor;
  std::array<double, 9> covariance{};
  uint64_t seed = 0;
};
struct GaussianNoiseStep : NoiseStep {};
struct SpeckleStep : NoiseStep {};

/// See add_poisson_noise; photons 0 = the image's distinct levels (Real-ESRGAN).
struct PoissonStep {
  double photons = 0.0;
  double strength = 1.0;
  NoiseColor color = NoiseColor::kColor;
  uint64_t seed = 0;
};

/// See add_camera_noise.
struct CameraStep {
  double shot = 0.0;
  double read = 0.0;
  uint64_t seed = 0;
};

/// See jpeg_round_trip.
struct JpegStep {
  int64_t quality = 75;
};

/// See webp_round_trip.
struct WebpStep {
  int64_t quality = 75;
};

/// See sharpen.
struct SharpenStep {
  double weight = 0.5;
  int64_t radius = 50;
  double threshold = 10.0;
};

/// To whole 8-bit levels, clipped.
struct RoundStep {
  bool down = false;  ///< Towards zero, as a cast to uint8, instead of to the nearest.
};

/// See add_film_grain.
struct GrainStep {
  double level = 10.0;   ///< Standard deviation in midtones, 1/255.
  double size_px = 0.7;  ///< Standard deviation of the Gaussian that smooths the white noise; 0 = white.
  double chroma = 0.0;   ///< 0 = the same in all channels, 1 = independent channels.
  double midtone = 0.5;  ///< How much weaker black and white are than midtones; 1 = none there.
  uint64_t seed = 0;
};

/// First pixels of a mosaic: Bayer's four phases, and X-Trans.
enum class MosaicPhase { kRggb, kBggr, kGrbg, kGbrg, kXtrans };

/// See sensor_mosaic (degradations/mosaic.h): what a camera's sensor writes, one colour a pixel. The last step of a
/// list: what it makes is no photo, and is stored as DNG.
struct MosaicStep {
  MosaicPhase phase = MosaicPhase::kRggb;
  double red_gain = 2.0;   ///< White balance, 1 to 16; green's is 1.
  double blue_gain = 1.6;  ///< Likewise.
  double shot = 0.0;       ///< Variance of the noise at white, without read noise; 0 to 1.
  double read = 0.0;       ///< Standard deviation at black, 0 to 1.
  int64_t black = 512;     ///< Levels of 16 bits.
  int64_t white = 16383;
  uint64_t seed = 0;
};

/// See LearnedDegradation (degradations/learned): a generator that was trained on photos.
struct LearnedStep {
  std::string file;    ///< Weights of a generator.
  std::string sha256;  ///< Of the file; empty: not checked.
  uint64_t seed = 0;   ///< Of its noise.
};

using Step = std::variant<BlurStep, ResizeStep, SubsampleStep, GaussianNoiseStep, SpeckleStep, PoissonStep, CameraStep,
                          JpegStep, WebpStep, SharpenStep, RoundStep, GrainStep, MosaicStep, LearnedStep>;

/// Does one step.
torch::Tensor apply_step(const Step& step, const torch::Tensor& image);

/// Does all of them in order; a blur before a subsampling computes only the pixels that stay.
torch::Tensor apply_steps(const std::vector<Step>& steps, const torch::Tensor& image);

/// Size of the image after `step`.
Size size_after(const Step& step, Size before);

}  // namespace zsr
