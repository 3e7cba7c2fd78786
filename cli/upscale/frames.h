#pragma once

#include "core/files.h"
#include "dip/dip.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::cli {

/// Keeps the images on the way of Deep Image Prior: each as a file of a folder, or all as one moving WebP at the end.
class FrameKeeper {
 public:
  /// `path`: a folder, which is made, a .webp file, or empty for nothing.
  explicit FrameKeeper(std::string path);

  /// What takes the frames; empty for nothing. Refers to this object.
  dip::FrameFn taker();
  /// Writes the moving picture, with `last` ([1, C, H, W]) as its end.
  void finish(const torch::Tensor& last, Overwrite overwrite);

 private:
  void keep(const torch::Tensor& image);

  std::string path_;
  std::vector<torch::Tensor> kept_;
  int64_t every_ = 1;
  int64_t seen_ = 0;
};

}  // namespace zsr::cli
