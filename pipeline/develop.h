#pragma once

#include "image/photo.h"
#include "image/resize.h"
#include "networks/network.h"
#include "raw/develop.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// How a camera raw file becomes a photo.
struct DevelopRequest {
  /// "auto": the network for Bayer mosaics, "closed" for others; "closed": raw::demosaic; "network"; "bilinear" and
  /// "ahd", the baselines, which leave the noise as it is.
  std::string demosaic = "auto";
  /// 1, or 2: the network makes twice as many pixels a side of the mosaic itself, which is better than enlarging the
  /// developed photo; Bayer mosaics only.
  int64_t scale = 1;
  bool scale_if_possible = false;  ///< Other mosaics than Bayer ones are developed at their own size.
  ColorSpace space = ColorSpace::kSrgb;
  bool denoise = true;  ///< Take out the noise that the raw values have.
  /// Of Condition::kMosaic and `scale`; null: the one that comes with zsr.
  std::shared_ptr<const networks::Network> network;
  raw::RawLimits limits;
};

/// Names that DevelopRequest::demosaic takes.
const std::vector<std::string>& demosaic_names();

/// A developed photo: 16 bits, upright, with EXIF and an ICC profile of its colour space.
struct Developed {
  Photo photo;
  nlohmann::json record;  ///< Camera, mosaic, noise found and how it was developed; an object.
};

/// Whether the file is camera raw by its own marks (image/camera_raw.h); false for what cannot be read.
bool is_camera_raw(const std::filesystem::path& path);

/// Rows and columns that the developed photo will have at scale 1, from its header. Throws as raw::read_raw.
Size developed_size(const std::filesystem::path& path);

/// Develops. Throws as raw::read_raw, and OptionError for a method that is not known or does not take the mosaic.
Developed develop(const std::filesystem::path& path, const DevelopRequest& request);

}  // namespace zsr::pipeline
