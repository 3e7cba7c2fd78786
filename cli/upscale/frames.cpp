#include "cli/upscale/frames.h"

#include "image/photo.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <filesystem>
#include <utility>

namespace zsr::cli {

FrameKeeper::FrameKeeper(std::string path) : path_(std::move(path)) {}

// No more than a film can hold: then every second one goes, and from there on every second one is kept.
void FrameKeeper::keep(const torch::Tensor& image) {
  constexpr size_t kMost = 100;
  if (seen_++ % every_ != 0) return;
  if (!kept_.empty() && kept_[0].sizes() != image.sizes()) return;  // of another piece
  kept_.push_back(image.clamp(0.0, 1.0));
  if (kept_.size() < kMost) return;
  for (size_t i = 0; 2 * i < kept_.size(); ++i) kept_[i] = kept_[2 * i];
  kept_.resize((kept_.size() + 1) / 2);
  every_ *= 2;
}

dip::FrameFn FrameKeeper::taker() {
  if (path_.empty()) return {};
  if (path_.ends_with(".webp")) return [this](const torch::Tensor& image, int64_t) { keep(image); };
  std::filesystem::create_directories(path_);
  return [folder = std::filesystem::path(path_)](const torch::Tensor& image, int64_t step) {
    Photo photo;
    photo.color = image.clamp(0.0, 1.0);
    WriteOptions write;
    write.overwrite = Overwrite::kYes;
    save_photo(photo, folder / fmt::format("step_{:06}.png", step), write);
  };
}

void FrameKeeper::finish(const torch::Tensor& last, Overwrite overwrite) {
  constexpr int kFrameMs = 150;
  if (kept_.empty()) return;
  if (last.sizes() == kept_[0].sizes()) kept_.push_back(last);
  save_animation(kept_, path_, kFrameMs, overwrite);
}

}  // namespace zsr::cli
