#include "datasets/patch_sampler.h"

#include "core/error.h"
#include "image/dihedral.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <numeric>

namespace zsr {

PatchSampler::PatchSampler(std::vector<std::filesystem::path> photos, Options options, uint64_t seed)
    : photos_(std::move(photos)),
      options_(options),
      random_(derive_seed(seed, "patches")),
      unusable_(photos_.size(), false) {
  const auto check = [](int64_t value, const char* name) {
    if (value < 1) throw OptionError(fmt::format("{} = {}, must be > 0", name, value));
  };
  check(options_.patch, "patch");
  check(options_.patches_per_photo, "patches_per_photo");
  check(options_.window_bytes, "window_bytes");
  check(options_.max_window, "max_window");
  if (photos_.empty()) throw OptionError("no photos to take patches from");
}

void PatchSampler::refill() {
  size_t refused = 0;
  while (static_cast<int64_t>(window_.size()) < options_.max_window &&
         (window_.empty() || window_bytes_ < options_.window_bytes)) {
    // In a window that holds every photo, a photo returns only after it left.
    if (window_.size() + refused >= photos_.size()) break;
    if (next_in_order_ == order_.size()) {
      order_.clear();
      for (size_t i = 0; i < photos_.size(); ++i) {
        if (!unusable_[i]) order_.push_back(static_cast<int64_t>(i));
      }
      if (order_.empty()) break;
      for (size_t i = order_.size() - 1; i > 0; --i) {
        std::swap(order_[i], order_[static_cast<size_t>(random_.index(static_cast<int64_t>(i) + 1))]);
      }
      next_in_order_ = 0;
    }
    const int64_t photo = order_[next_in_order_++];
    if (unusable_[photo]) continue;
    const bool held = std::any_of(window_.begin(), window_.end(), [&](const Held& h) { return h.photo == photo; });
    if (held) {
      ++refused;
      continue;
    }
    try {
      PhotoCache once(1);
      const auto entry = once.get(photos_[photo]);
      ++decoded_;
      const Size size = entry->size();
      if (std::min(size.height, size.width) < options_.patch) {
        throw InputError(fmt::format("'{}' is {}x{}, smaller than a patch of {}", photos_[photo].string(), size.width,
                                     size.height, options_.patch));
      }
      window_.push_back({photo, entry, options_.patches_per_photo});
      window_bytes_ += static_cast<int64_t>(entry->samples.nbytes());
    } catch (const Error& error) {
      unusable_[photo] = true;
      problems_.emplace_back(error.what());
    }
  }
}

PatchSampler::Patch PatchSampler::next() {
  refill();
  if (window_.empty()) {
    throw InputError(fmt::format("none of the {} photos can be used; the first: {}", photos_.size(),
                                 problems_.empty() ? "?" : problems_[0]));
  }
  const int64_t chosen = random_.index(static_cast<int64_t>(window_.size()));
  Held& held = window_[static_cast<size_t>(chosen)];
  const Size size = held.entry->size();
  Patch patch;
  patch.photo = held.photo;
  patch.top = random_.index(size.height - options_.patch + 1);
  patch.left = random_.index(size.width - options_.patch + 1);
  patch.image = held.entry->crop(patch.top, patch.left, options_.patch, options_.patch);
  if (options_.augment) patch.image = dihedral(patch.image, random_.index(8)).contiguous();
  if (--held.left == 0) {
    window_bytes_ -= static_cast<int64_t>(held.entry->samples.nbytes());
    window_.erase(window_.begin() + chosen);
  }
  return patch;
}

}  // namespace zsr
