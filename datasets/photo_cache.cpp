#include "datasets/photo_cache.h"

#include "core/error.h"
#include "core/sha256.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr {

torch::Tensor PhotoCache::Entry::crop(int64_t top, int64_t left, int64_t height, int64_t width) const {
  const torch::Tensor part = samples.slice(2, top, top + height).slice(3, left, left + width);
  if (part.size(2) != height || part.size(3) != width) {
    throw OptionError(fmt::format("crop {}x{} at {},{} leaves the photo ({}x{})", width, height, left, top,
                                  samples.size(3), samples.size(2)));
  }
  if (samples.scalar_type() == torch::kUInt8) return part.to(torch::kFloat32).div_(255.0);
  return part.clone();
}

PhotoCache::PhotoCache(int64_t max_bytes, bool with_hash, ReadLimits limits)
    : max_bytes_(max_bytes), with_hash_(with_hash), limits_(limits) {
  if (max_bytes < 1) throw OptionError(fmt::format("photo cache of {} bytes, must be > 0", max_bytes));
}

std::shared_ptr<const PhotoCache::Entry> PhotoCache::get(const std::filesystem::path& path) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex_);
    const auto [found, added] = slots_.try_emplace(path.string());
    if (added) {
      found->second = std::make_shared<Slot>();
      recent_.push_front(path.string());
      found->second->place = recent_.begin();
    } else {
      recent_.splice(recent_.begin(), recent_, found->second->place);
    }
    slot = found->second;
    if (slot->entry) return slot->entry;
  }
  const std::lock_guard decoding(slot->decoding);
  {
    const std::lock_guard lock(mutex_);
    if (slot->entry) return slot->entry;
  }
  const auto entry = std::make_shared<Entry>();
  if (with_hash_) entry->sha256 = sha256_of_file(path);
  const Photo photo = load_photo(path, limits_);
  entry->samples = photo.bit_depth == 8 ? photo.color.mul(255.0).round_().to(torch::kUInt8) : photo.color;
  const std::lock_guard lock(mutex_);
  ++decoded_;
  slot->entry = entry;
  // The slot may have been given up while it was decoding; then nobody counts it.
  const auto still = slots_.find(path.string());
  if (still != slots_.end() && still->second == slot) {
    bytes_ += static_cast<int64_t>(entry->samples.nbytes());
    make_room();
  }
  return entry;
}

void PhotoCache::make_room() {
  while (bytes_ > max_bytes_ && recent_.size() > 1) {
    const auto oldest = slots_.find(recent_.back());
    // One that is being decoded right now weighs nothing yet and goes with the rest of the list.
    if (oldest->second->entry) bytes_ -= static_cast<int64_t>(oldest->second->entry->samples.nbytes());
    slots_.erase(oldest);
    recent_.pop_back();
  }
}

int64_t PhotoCache::decoded() const {
  const std::lock_guard lock(mutex_);
  return decoded_;
}

}  // namespace zsr
