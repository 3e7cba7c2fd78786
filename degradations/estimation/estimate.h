#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace zsr {

/// Luminance quantisation table of the Independent JPEG Group's quality `quality` (1 to 100), row by row (ITU-T T.81
/// table K.1, scaled as libjpeg does).
std::array<int, 64> jpeg_luma_table(int64_t quality);

/// How a photo was compressed.
struct JpegEstimate {
  int64_t quality = 100;     ///< 1 to 100 on the IJG's scale.
  double confidence = 0.0;   ///< 0 to 1; 1 where the file's own tables say so.
  bool from_tables = false;  ///< The file's quantisation tables, not its pixels.
  int64_t offset_y = 0;      ///< Where the 8 x 8 grid begins in the picture (from pixels only).
  int64_t offset_x = 0;
};

/// From the quantisation tables of a JPEG file: the quality whose standard table is nearest. Empty for other files.
/// Throws IoError.
std::optional<JpegEstimate> jpeg_quality_of_file(const std::filesystem::path& path);

/// From the pixels of a picture that was a JPEG once (saved as PNG since, perhaps cropped, not resized): finds the
/// block grid by the jumps across it, then the table whose multiples the DCT coefficients fall on. Empty when no grid
/// stands out (never compressed, quality over about 92, or resized). [1, C, H, W] float32 in [0, 1], at least 64 x 64.
std::optional<JpegEstimate> jpeg_quality_of_pixels(const torch::Tensor& image);

/// Standard deviation of the noise of a photo, in 1/255: the smallest eigenvalues of the covariance of its patches
/// (Chen, Zhu and Heng, "An efficient statistical method for image noise level estimation", ICCV 2015); mean over the
/// channels. [1, C, H, W] float32 in [0, 1], at least 16 x 16 (else OptionError).
double estimate_noise(const torch::Tensor& image);

/// The same from the flattest blocks of 8 x 8 pixels alone, by the second difference along both axes (Immerkaer, "Fast
/// noise variance estimation", 1996, block by block; the 10th percentile of the blocks, corrected for being one). It
/// does not take texture for noise, as `estimate_noise` does in small or busy photos, but sees nothing where
/// compression or a denoiser smoothed the flat parts. At least 32 x 32 (else OptionError).
double estimate_flat_noise(const torch::Tensor& image);

/// What stands in a photo at the scale of its pixels.
struct FineScale {
  double noise = 0.0;        ///< 1/255: the smaller of the two estimates; `estimate_noise` alone where it was a JPEG.
  double detail = 0.0;       ///< 1/255: what is there beyond noise. A photo that was blurred before has next to none.
  int64_t jpeg_quality = 0;  ///< Of a photo that was a JPEG; 0 = no trace.
};
/// At least 32 x 32 (else OptionError).
FineScale look_at_fine_scale(const torch::Tensor& image);

}  // namespace zsr
