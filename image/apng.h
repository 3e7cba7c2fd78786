#pragma once

#include "image/photo_codec.h"

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

// Animated PNG after the PNG specification, third edition (W3C 2025): chunks acTL, fcTL and fdAT. libvips 8.14 reads
// and writes the first picture only.

/// What a PNG file says about its animation; nothing where it is none. Throws IoError.
std::optional<Sequence> apng_sequence(const std::filesystem::path& path);

/// The frames of an animated PNG, one after the other as they are seen.
class ApngPlayer {
 public:
  /// Throws IoError, and InputError where the file is damaged.
  explicit ApngPlayer(const std::filesystem::path& path);

  /// Frame `index`, from 0, as [1, C, H, W] float32 in [0, 1], RGB or gray with or without alpha. Frames before it are
  /// decoded too where they were not yet. Throws InputError where the file is damaged.
  torch::Tensor frame(int64_t index);

 private:
  struct Frame {
    int64_t left = 0, top = 0, width = 0, height = 0;
    int disposal = 0;  // 0: stays, 1: cleared, 2: what was there before comes back
    bool blended = false;
    std::string data;  // compressed pixels
  };
  void draw(const Frame& frame);

  std::string name_;
  std::string header_;   // IHDR's data
  std::string palette_;  // PLTE and tRNS, whole chunks
  int64_t width_ = 0;
  int64_t height_ = 0;
  bool gray_ = false;
  std::vector<Frame> frames_;
  int64_t drawn_ = 0;     // frames on the canvas
  torch::Tensor canvas_;  // [1, 4, H, W], before the next frame is drawn
  torch::Tensor shown_;   // the last frame as it is seen
};

/// An animated PNG file of frames that are whole PNG files of one size, bit depth and colour type. What the first one
/// carries is kept. `sequence` has a delay for each.
std::string encode_apng(const std::vector<std::string>& frames, const Sequence& sequence);

}  // namespace zsr
