#pragma once

#include "image/photo.h"
#include "image/resize.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace zsr {

/// Decoded photos within a bound of memory, the least recently used given up first. Alpha and metadata are left out.
/// Safe to use from many threads; a photo that two ask for at once is decoded once.
class PhotoCache {
 public:
  /// A decoded photo: 8-bit ones keep one byte a sample.
  struct Entry {
    torch::Tensor samples;  ///< [1, C, H, W] uint8 in [0, 255], or float32 in [0, 1] for 16-bit photos.
    std::string sha256;     ///< Of the file.
    /// [1, C, height, width] float32 in [0, 1] from (top, left) on.
    torch::Tensor crop(int64_t top, int64_t left, int64_t height, int64_t width) const;
    Size size() const { return {samples.size(2), samples.size(3)}; }
  };

  /// `max_bytes` > 0; one photo is kept even when it is larger alone. `with_hash`: also hash the file.
  explicit PhotoCache(int64_t max_bytes, bool with_hash = false, ReadLimits limits = {});

  /// Throws what load_photo throws.
  std::shared_ptr<const Entry> get(const std::filesystem::path& path);

  /// Photos decoded so far.
  int64_t decoded() const;

 private:
  struct Slot {
    std::mutex decoding;
    std::shared_ptr<const Entry> entry;
    std::list<std::string>::iterator place;
  };
  void make_room();

  const int64_t max_bytes_;
  const bool with_hash_;
  const ReadLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
  std::list<std::string> recent_;  // front: used last
  int64_t bytes_ = 0;
  int64_t decoded_ = 0;
};

}  // namespace zsr
