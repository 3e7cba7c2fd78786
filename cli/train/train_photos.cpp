#include "cli/train/train_photos.h"

#include "core/error.h"
#include "datasets/benchmark_layout.h"
#include "datasets/image_folder.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>

namespace zsr::cli {

namespace fs = std::filesystem;

namespace {

torch::Tensor as_bytes(const Photo& photo) {
  return photo.color[0].expand({3, -1, -1}).mul(255.0).round().to(torch::kUInt8).contiguous();
}

}  // namespace

// RGB photos of at least `least` pixels a side as bytes; what cannot serve is named and left out.
std::vector<torch::Tensor> load_photos(const std::vector<std::string>& folders, int64_t least, bool quiet) {
  std::vector<torch::Tensor> photos;
  std::vector<std::string> left_out;
  for (const std::string& folder : folders) {
    for (const fs::path& path : list_images(folder, true)) {
      try {
        const Photo photo = load_photo(path);
        const int64_t side = std::min(photo.color.size(2), photo.color.size(3));
        if (side < least) {
          left_out.push_back(
              fmt::format("'{}': its shorter side has {} pixels, {} are needed", path.string(), side, least));
          continue;
        }
        photos.push_back(as_bytes(photo));
      } catch (const InputError& error) {
        left_out.push_back(error.what());
      } catch (const IoError& error) {
        left_out.push_back(error.what());
      }
    }
  }
  if (!quiet) {
    constexpr size_t kNamed = 10;
    for (size_t i = 0; i < std::min(kNamed, left_out.size()); ++i) {
      fmt::print(stderr, "zsr: warning: left out {}\n", left_out[i]);
    }
    if (!left_out.empty()) {
      fmt::print(stderr, "zsr: warning: {} of {} photos cannot serve\n", left_out.size(),
                 left_out.size() + photos.size());
    }
  }
  if (photos.empty()) throw InputError(fmt::format("no photos that can serve in '{}'", fmt::join(folders, "', '")));
  return photos;
}

constexpr int64_t kJpegBlock = 8;

std::unique_ptr<training::PatchSource> make_like_source(std::vector<torch::Tensor> photos,
                                                        const training::PatchOptions& patches) {
  training::PatchOptions own;
  own.scales = {1};
  own.batch = patches.batch;
  own.patch = patches.patch;
  own.align = kJpegBlock;
  own.seed = derive_seed(patches.seed, "like");
  return std::make_unique<training::PatchSource>(std::move(photos), training::Condition::kNone, own);
}

std::vector<training::TrainingPhoto> load_pairs(const std::string& folder, int64_t scale, int64_t patch, bool quiet) {
  std::vector<training::TrainingPhoto> pairs;
  size_t small = 0;
  for (const BenchmarkItem& item : find_benchmark(folder, scale, false).items) {
    if (item.lr.empty()) throw InputError(fmt::format("'{}' has no LR images for x{}", folder, scale));
    training::TrainingPhoto pair{as_bytes(load_photo(item.hr)), as_bytes(load_photo(item.lr))};
    // Some benchmarks leave a remainder of HR pixels.
    const int64_t height = pair.lr.size(1) * scale;
    const int64_t width = pair.lr.size(2) * scale;
    const bool fits = pair.hr.size(1) >= height && pair.hr.size(1) < height + scale && pair.hr.size(2) >= width &&
                      pair.hr.size(2) < width + scale;
    if (!fits) {
      throw InputError(fmt::format("'{}' is {}x{}, '{}' is {}x{}: not {} times as large", item.lr.string(),
                                   pair.lr.size(2), pair.lr.size(1), item.hr.string(), pair.hr.size(2), pair.hr.size(1),
                                   scale));
    }
    pair.hr = pair.hr.slice(1, 0, height).slice(2, 0, width).contiguous();
    if (std::min(pair.lr.size(1), pair.lr.size(2)) < patch) {
      ++small;
    } else {
      pairs.push_back(std::move(pair));
    }
  }
  if (small > 0 && !quiet) {
    fmt::print(stderr, "zsr: warning: {} of {} pairs are smaller than a patch of {} pixels and left out\n", small,
               small + pairs.size(), patch);
  }
  if (pairs.empty()) throw InputError(fmt::format("no pairs of at least {} LR pixels a side in '{}'", patch, folder));
  return pairs;
}

}  // namespace zsr::cli
