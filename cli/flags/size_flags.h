#pragma once

#include "cli/flags/options.h"
#include "image/resize.h"

#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// A size of the result that is named instead of a factor, as typed; empty = not named.
struct SizeFlags {
  std::string width, height, long_side, size, megapixels, print;
  double dpi = 300.0;    ///< Of --print.
  bool crop = false;     ///< --size and --print are filled, and what stands over is cut from both sides.
  bool stretch = false;  ///< They are filled, and the proportions change.
  bool exact_scale = false;
};
void add_size_flags(OptionSet& options, SizeFlags& flags);

/// A size of the result, whatever the photo's is. The photo's proportions are kept unless it is stretched.
class SizeRequest {
 public:
  /// The one that the flags name, or nothing. Throws UsageError for several of them and for values that are no sizes.
  static std::optional<SizeRequest> from(const SizeFlags& flags, const OptionSet& given);

  /// Size of the result for a photo of this size, each side at least 1 pixel. Throws InputError naming `name` where the
  /// photo is that large already.
  Size of(Size photo, const std::string& name) const;
  /// What is kept of the middle of that size: the size that was asked for where the photo is to fill it, else all.
  Size kept(Size enlarged) const;
  /// Of --print, dots per inch; empty for other sizes.
  std::optional<double> dpi() const { return dpi_; }
  /// The flag and its value, "--width 1024".
  const std::string& text() const { return text_; }
  /// For names of files: "w1024", "800x600", "12mp".
  const std::string& label() const { return label_; }

 private:
  // The flag `named`; returns its value as typed.
  std::string take(const std::string& named, const SizeFlags& flags);

  double width_ = 0.0;   // pixels; 0 = any
  double height_ = 0.0;  // pixels; 0 = any
  double long_side_ = 0.0;
  double pixels_ = 0.0;
  bool crop_ = false;
  bool stretch_ = false;
  std::optional<double> dpi_;
  std::string text_;
  std::string label_;
};

/// `arguments` with --training-crop instead of --crop and a number, as it was called before --crop of --size; with a
/// warning.
std::vector<std::string> with_new_names(std::vector<std::string> arguments);

/// Whether --width is meant as the number of a network's channels, which it was called before --channels: together with
/// flags of ZSSR's training, or where the command is `zssr` and the value cannot be the width of a result.
/// `photo_width`: of the one photo that is enlarged, or nothing.
bool means_channels(const std::string& width, const std::string& command, const OptionSet& given,
                    std::optional<int64_t> photo_width);

}  // namespace zsr::cli
