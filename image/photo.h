#pragma once

#include "core/files.h"
#include "image/photo_codec.h"
#include "image/resize.h"

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// Note [Image tensor]
/// An image is a tensor [N, C, H, W] with C = 1 (gray) or 3 (RGB), floating point, samples in [0, 1] as the file
/// encodes them (no linearisation: the SR literature works on encoded values). 8-bit v stands for v / 255, 16-bit for v
/// / 65535.

/// A photo in memory with all that it carries.
struct Photo {
  torch::Tensor color;  ///< [1, C, H, W] float32 in [0, 1], gray or RGB, upright.
  torch::Tensor alpha;  ///< [1, 1, H, W] float32 in [0, 1]; undefined when every pixel is opaque.
  int bit_depth = 8;    ///< 8 or 16, as stored; of HDR photos 16, what their file has is hdr.bits.
  ImageFormat format = ImageFormat::kPng;
  DynamicRange range = DynamicRange::kSdr;        ///< What `color` means and how it is written; RGB where it is HDR.
  HdrCoding hdr;                                  ///< Of HDR photos: what their values mean.
  std::shared_ptr<const PhotoMetadata> metadata;  ///< May be null.
  std::shared_ptr<const GainMap> gain_map;        ///< How a JPEG photo becomes HDR, at a size of its own; or null.
  std::vector<std::string> notes;                 ///< What the reader noticed or had to leave out, one line each.
  std::string damage;                             ///< As in DecodedPhoto.
};

/// The colours of an SDR photo with an ICC profile, or with the gamma and primaries of a PNG file, as the numbers of
/// sRGB. Its profile stays in the metadata.
void make_srgb(Photo& photo);

/// Loads a photo; errors as `decode_photo`.
Photo load_photo(const std::filesystem::path& path, const ReadLimits& limits = {});

/// Makes `planes` [1, 1 to 4, H, W], alpha last, the colour and transparency of `photo`.
void set_planes(Photo& photo, torch::Tensor planes);

/// The gain map of a photo that grew from the size `photo` to `result`, of which the middle `keep` is kept: bicubic, at
/// as many pixels for each pixel of the photo as before.
std::shared_ptr<const GainMap> enlarged_gain_map(const GainMap& map, Size photo, Size result,
                                                 const std::optional<Size>& keep);

/// How to store a photo.
struct WriteOptions {
  ImageFormat format = ImageFormat::kPng;
  EncodeOptions encode;
  int bit_depth = 0;  ///< 0 keeps the photo's own, as far as the format can; of HDR photos as hdr_bit_depth().
  Overwrite overwrite = Overwrite::kNo;
};

/// Writes the photo through an AtomicFile. Values are clamped to [0, 1] and rounded half up. Throws OptionError when
/// the format cannot hold the photo (alpha in a JPEG, HDR in a WebP), IoError when the system refuses.
///
/// HDR photos are stored as coding_in() says. AVIF and HEIC hold Y'CbCr by the matrix of BT.2020, full range, and
/// signal primaries, transfer and matrix 9 of ITU-T H.273; PNG has a cICP chunk, TIFF an ICC profile. OpenEXR states
/// primaries and the light that 1.0 stands for (whiteLuminance), and carries no EXIF and its like.
void save_photo(const Photo& photo, const std::filesystem::path& path, const WriteOptions& options);

/// Pictures of one size, [1, C, H, W] in [0, 1], as an animated WebP that shows each for `frame_ms`. Throws
/// like save_photo.
void save_animation(const std::vector<torch::Tensor>& frames, const std::filesystem::path& path, int frame_ms,
                    Overwrite overwrite);

/// `image` [1, C, H, W] in [0, 1] as a WebP file of that quality (1 to 100) without metadata.
std::string encode_webp(const torch::Tensor& image, int quality);

/// `image` [1, C, H, W] as an 8-bit PNG file without metadata, packed for speed and not for size (run lengths only):
/// for the thousands of small files of a training set. The same bytes for the same image.
std::string encode_png_quickly(const torch::Tensor& image);

/// `image` rounded to what `bit_depth` bits can hold, still in [0, 1]. [N, C, H, W].
torch::Tensor quantize(const torch::Tensor& image, int bit_depth = 8);

/// `color` with the pixels under zero `alpha` filled from their visible surroundings (push-pull pyramid), so that
/// resampling draws no fringe from colours that were never seen. Shapes as in Photo.
torch::Tensor bleed_color(const torch::Tensor& color, const torch::Tensor& alpha);

}  // namespace zsr
