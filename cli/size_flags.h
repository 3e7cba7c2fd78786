#pragma once

#include "cli/options.h"
#include "core/image/resize.h"

#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// A size of the result that is named instead of a factor, as typed; empty = not named.
struct SizeFlags {
  std::string width, height, long_side, size, megapixels;
};
void add_size_flags(OptionSet& options, SizeFlags& flags);

/// A size of the result, whatever the photo's is. The photo's proportions are kept.
class SizeRequest {
 public:
  /// The one that the flags name, or nothing. Throws UsageError for several of them and for values that are no sizes.
  static std::optional<SizeRequest> from(const SizeFlags& flags, const OptionSet& given);

  /// Size of the result for a photo of this size, each side at least 1 pixel. Throws InputError naming `name` where the
  /// photo is that large already.
  Size of(Size photo, const std::string& name) const;
  /// The flag and its value, "--width 1024".
  const std::string& text() const { return text_; }
  /// For names of files: "w1024", "800x600", "12mp".
  const std::string& label() const { return label_; }

 private:
  double width_ = 0.0;   // pixels; 0 = any
  double height_ = 0.0;  // pixels; 0 = any
  double long_side_ = 0.0;
  double pixels_ = 0.0;
  std::string text_;
  std::string label_;
};

/// The whole factor by which a method enlarges a photo that shall become `target`: the smallest of `factors`
/// (ascending, not empty) that is large enough, else the largest. The rest is resampled.
int64_t factor_for(Size photo, Size target, const std::vector<int64_t>& factors);

/// Whether --width is meant as the number of a network's channels, which it was called before --channels: together with
/// flags of ZSSR's training, or where the command is `zssr` and the value cannot be the width of a result.
/// `photo_width`: of the one photo that is enlarged, or nothing.
bool means_channels(const std::string& width, const std::string& command, const OptionSet& given,
                    std::optional<int64_t> photo_width);

}  // namespace zsr::cli
