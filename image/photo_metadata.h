#pragma once

// Only for the files of this folder that talk to libvips.

#include "image/photo_codec.h"
#include "image/vips_image.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace zsr {

/// The loaded image with the EXIF of its TIFF file added, which libvips does not read.
ImagePtr with_tiff_exif(ImagePtr image, const std::filesystem::path& path);

/// Holds the header image of the source; libvips keeps all fields and blobs on it.
class PhotoMetadata {
 public:
  /// `header` may be null for formats that libvips does not read.
  /// `png_chunks`: what a PNG result keeps byte for byte.
  /// `stated`: the resolution is not the header's own.
  PhotoMetadata(ImagePtr header, Resolution resolution, std::string png_chunks = {}, bool stated = false)
      : header_(std::move(header)), resolution_(resolution), png_chunks_(std::move(png_chunks)), stated_(stated) {}

  const Resolution& resolution() const { return resolution_; }
  /// The embedded colour profile if it describes pixels of that kind; empty where there is none. Bytes of this object.
  std::string_view profile(bool gray) const;
  const std::string& png_chunks() const { return png_chunks_; }
  std::shared_ptr<const PhotoMetadata> without_png_chunks() const;
  /// The same with other colours: an ICC profile, or none where it is empty, and in front of the texts that a PNG
  /// result keeps the chunk `color` instead of those about colour.
  std::shared_ptr<const PhotoMetadata> with_color(std::string_view profile, std::string color) const;
  std::shared_ptr<const PhotoMetadata> with_resolution(const Resolution& resolution) const;

  /// Copies the fields onto `image`, whose final size must be set. `gray`: the format keeps one channel.
  void apply_to(VipsImage* image, bool gray) const;

 private:
  ImagePtr header_;
  Resolution resolution_;
  std::string png_chunks_;
  bool stated_ = false;
};

}  // namespace zsr
