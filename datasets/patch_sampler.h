#pragma once

#include "core/random.h"
#include "datasets/photo_cache.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// Random square patches out of many photos for training, in bounded memory: a window of photos is held decoded;
/// patches come from random photos of the window; a photo that gave its share makes way for the next of a shuffled
/// order. So each photo is decoded once an epoch however many patches it gives, and 100,000 photos need no more memory
/// than a hundred.
class PatchSampler {
 public:
  struct Options {
    int64_t patch = 96;                  ///< Side in pixels, > 0.
    int64_t patches_per_photo = 16;      ///< Patches a photo gives before it leaves the window, > 0.
    int64_t window_bytes = 512'000'000;  ///< Memory for decoded photos, > 0.
    int64_t max_window = 256;            ///< Photos held at most, > 0.
    bool augment = true;                 ///< Random turns and mirrors.
  };
  struct Patch {
    torch::Tensor image;  ///< [1, C, patch, patch] float32 in [0, 1].
    int64_t photo = 0;    ///< Index into the photos.
    int64_t top = 0;
    int64_t left = 0;
  };

  /// Throws OptionError for bad options and an empty list.
  PatchSampler(std::vector<std::filesystem::path> photos, Options options, uint64_t seed);

  /// The next patch. A photo that cannot be read, or is smaller than a patch, is left out and noted in `problems`.
  /// Throws InputError when none is left.
  Patch next();

  /// One line for each photo that was left out.
  const std::vector<std::string>& problems() const { return problems_; }
  int64_t photos_decoded() const { return decoded_; }

 private:
  struct Held {
    int64_t photo;
    std::shared_ptr<const PhotoCache::Entry> entry;
    int64_t left;  // patches it still gives
  };
  void refill();

  std::vector<std::filesystem::path> photos_;
  Options options_;
  Random random_;
  std::vector<int64_t> order_;
  size_t next_in_order_ = 0;
  std::vector<bool> unusable_;
  std::vector<Held> window_;
  int64_t window_bytes_ = 0;
  int64_t decoded_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace zsr
