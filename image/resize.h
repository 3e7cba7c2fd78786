#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// Factor per axis, output over input; > 0.
struct Scale {
  double y = 1.0;
  double x = 1.0;
  bool operator==(const Scale&) const = default;
};

/// Height and width in pixels.
struct Size {
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const Size&) const = default;
};

/// Note [Sub-pixel phase]
/// LR pixel i stands at HR coordinate s * i + phase (0-based pixel centres, s >= 1 the factor between the grids).
/// MATLAB's imresize, and everything in zsr unless stated otherwise, uses phase = (s - 1) / 2: both images cover the
/// same area. "Direct" downsampling hr[::s] of a centred blur has phase 0 ("corner").
struct Phase {
  double y = 0.0;
  double x = 0.0;
  bool operator==(const Phase&) const = default;
};

/// The phase of two images that cover the same area, (s - 1) / 2 per axis, for the larger-over-smaller factor `scale`.
Phase centered_phase(Scale scale);

/// "2", or "1.5x2" (horizontal x vertical).
std::string format_scale(Scale scale);

/// "2", "1.5" or "2x1.5" (horizontal x vertical), as people type it. Throws OptionError naming `flag` for anything that
/// is not one or two numbers from 1 on; the methods check the range. 1 itself is refused unless `one_too`.
Scale parse_scale(const std::string& text, bool one_too = false, const std::string& flag = "scale");

/// MATLAB's ceil(scale * size).
Size scaled_size(Size size, Scale scale);

enum class Interpolation { kCubic, kLinear, kBox, kLanczos2, kLanczos3 };

/// How an image continues beyond its edge.
enum class ResizeBorder {
  kSymmetric,  ///< Mirrored, the edge pixel repeated: MATLAB since about 2014.
  kReplicate,  ///< The edge pixel for ever: MATLAB before, and the benchmark files made with it.
};

struct ResizeOptions {
  Interpolation method = Interpolation::kCubic;  ///< kCubic is Keys' with a = -0.5.
  ResizeBorder border = ResizeBorder::kSymmetric;
  bool antialias = true;       ///< Widen the filter by 1 / scale when shrinking.
  std::optional<Phase> phase;  ///< Grid position; MATLAB's when empty.
};

/// A one-dimensional resampling as a sparse matrix [out, in], rows in compressed form, each summing to 1.
class ResampleMatrix {
 public:
  /// `scale` is out / in as MATLAB means it, which may differ slightly from out_length / in_length. `phase` is that of
  /// one axis; `options.phase` is not looked at. Throws OptionError unless all lengths and the scale are > 0.
  ResampleMatrix(int64_t in_length, int64_t out_length, double scale, const ResizeOptions& options,
                 std::optional<double> phase);

  /// out[o, :] = sum_i M[o, i] in[i, :] along dimension `dim` of `image` (2 or 3 of [N, C, H, W]), CPU or CUDA, float32
  /// or float64. Differentiable.
  torch::Tensor apply(const torch::Tensor& image, int64_t dim) const;

  /// The same matrix as a dense float64 tensor [out, in].
  torch::Tensor dense() const;

  struct Rows {
    int64_t in_length = 0;
    std::vector<int64_t> start;  ///< out + 1 entries.
    std::vector<int64_t> column;
    std::vector<double> weight;
    int64_t out_length() const { return static_cast<int64_t>(start.size()) - 1; }
  };
  /// The rows of the matrix and of its transpose (for gradients), shared and never changed.
  struct Data {
    Rows rows;
    Rows transposed;
  };

 private:
  std::shared_ptr<const Data> data_;
};

/// MATLAB's imresize of a double image: [N, C, H, W] float32 or float64 -> ceil(scale * size). Neither rounded nor
/// clipped (cubic overshoots); use `quantize` for what MATLAB does to a uint8 image. Differentiable.
torch::Tensor imresize(const torch::Tensor& image, Scale scale, const ResizeOptions& options = {});

/// The same with the output size given; `scale` still places the grid (MATLAB: both may be given).
torch::Tensor imresize(const torch::Tensor& image, Scale scale, Size size, const ResizeOptions& options = {});

/// MATLAB's imresize of a uint8 image, to the byte: samples (multiples of 1/255 in [0, 1]) are rounded and saturated
/// after each of the two passes, rows before columns when the factors are equal. With ResizeBorder::kReplicate it
/// reproduces all published LR files of the SelfExSR benchmark (Set5, Set14; x2, x3, x4) without one differing byte;
/// rounding only at the end differs in 11-15 % of them by one level.
torch::Tensor imresize_uint8(const torch::Tensor& image, Scale scale, const ResizeOptions& options = {});

}  // namespace zsr
