#include "inference/enlarge.h"

#include "core/device.h"
#include "core/error.h"
#include "core/session.h"
#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "image/color.h"
#include "image/dihedral.h"
#include "image/hdr.h"
#include "inference/low_frequencies.h"
#include "inference/result_check.h"
#include "inference/self_ensemble.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace zsr::inference {
namespace {

using networks::Network;
using networks::Traits;

// What tiles overlap by where a network depends on the whole photo and memory is too small for it.
constexpr int64_t kFarEnough = 48;
constexpr double kBytesPerPixel = 4.0 * 64.0 * 12.0;  // a dozen images of 64 channels
// Of a network that takes a kernel, for each pixel of the result: spectra and a few images of 3 channels. What its
// denoiser needs beside that does not grow (networks/usrnet_prior.h).
constexpr double kBytesPerUnfolded = 4.0 * 3.0 * 12.0;

bool is_whole(double factor) {
  return factor == std::floor(factor);
}

// One pass of the network over the photo, tile by tile.
class Pass {
 public:
  Pass(const Network& network, const Options& options, const RunContext& context, std::function<void()> after_tile)
      : network_(network),
        traits_(network.traits()),
        options_(options),
        device_(context.device),
        seed_(context.seed),
        after_tile_(std::move(after_tile)) {
    scale_ = traits_.takes_enlarged ? 1 : static_cast<int64_t>(options.scale.y);
    factor_ = traits_.any_scale ? options.scale.y : static_cast<double>(scale_);
    // USRNet continues the photo itself. Tiles begin on whole units of what is unshuffled.
    const int64_t unit = traits_.multiple_of;
    tile_ = planned_tile(options.tile, traits_.pixel_bytes, traits_.reach, static_cast<double>(available_memory()));
    margin_ = traits_.takes_kernel || traits_.pixel_by_pixel ? 0 : (options.margin + unit - 1) / unit * unit;
  }

  // For an input of that size; `cut` receives whether a network that wants the whole gets tiles.
  int64_t side(Size size, bool* cut = nullptr) const {
    const int64_t whole = std::max(size.height, size.width);
    if (traits_.reach != Traits::kWholePhoto) return tile_ == 0 ? whole : tile_;
    const double bytes =
        traits_.takes_kernel ? kBytesPerUnfolded * static_cast<double>(scale_ * scale_) : kBytesPerPixel;
    const double budget = 0.5 * static_cast<double>(available_memory());
    constexpr int64_t kLeast = 64;
    const double pixels = pixels_within(budget, bytes, traits_.pair_bytes);
    const int64_t side = tile_side(size, budget / pixels, budget, kFarEnough, kLeast);
    if (cut != nullptr) *cut = side < whole;
    return side;
  }

  // `turn`: how the image has been turned (image/dihedral.h).
  torch::Tensor operator()(const torch::Tensor& image, const std::optional<BlurKernel>& kernel, int64_t turn) const {
    const Size low{image.size(2), image.size(3)};
    const Scale scale{factor_, factor_};
    const Size high = scaled_size(low, scale);
    const Phase start = start_of(low, high, turn);
    const torch::Tensor padded = pad_image(image, margin_, margin_, margin_, margin_, Border::kSymmetric);
    const int64_t halo = traits_.reach == Traits::kWholePhoto ? kFarEnough : traits_.reach;
    const auto make = [&](const Span& row, const Span& column) {
      const torch::Tensor tile = read_tile(padded, row, column, margin_).to(device_);
      networks::Input input{tile, scale_, kernel, options_.noise / 255.0, options_.circular, options_.damage};
      if (traits_.any_scale) {
        input.grid = {factor_, row.hr_end - row.hr_begin, column.hr_end - column.hr_begin, start.y + row.phase_shift,
                      start.x + column.phase_shift};
      }
      input.seed = seed_;
      const torch::Tensor made = network_.forward(input).to(torch::kCPU);
      after_tile_();
      return made;
    };
    return in_tiles(low, high, scale, image.size(1), {side(low), halo, margin_}, make);
  }

 private:
  // Where the turned photo begins on the grid of its result: at the upper left corner of the photo as it is, somewhere
  // in the last pixel of the result where a turn has put the other end there.
  Phase start_of(Size low, Size high, int64_t turn) const {
    if (!traits_.any_scale) return {};
    const bool swapped = (turn & 1) != 0;
    const auto straight = [&](Size size) { return swapped ? Size{size.width, size.height} : size; };
    const Scale scale{factor_, factor_};
    const Phase corner = centered_phase(scale);
    const Phase turned = turned_phase(corner, straight(low), straight(high), scale, turn);
    return {turned.y - corner.y, turned.x - corner.x};
  }

  const Network& network_;
  const Traits& traits_;
  const Options& options_;
  torch::Device device_;
  uint64_t seed_;
  std::function<void()> after_tile_;
  int64_t scale_ = 1;
  double factor_ = 1.0;
  int64_t tile_ = 0;
  int64_t margin_ = 0;
};

// Bicubic downscaling where none is given; at the photo's own size no blur.
BlurKernel kernel_for(const Options& options) {
  if (options.kernel) return *options.kernel;
  if (options.scale.y == 1.0) return BlurKernel(torch::ones({1, 1}));
  return make_kernel({.family = KernelFamily::kBicubic, .scale = options.scale.y})
      .moved_to(centered_phase(options.scale));
}

// The kernel turns with the photo of `low` pixels, and its place between the pixels with it.
std::optional<BlurKernel> turned_kernel(const std::optional<BlurKernel>& kernel, Size low, Scale scale, int64_t turn) {
  if (!kernel) return std::nullopt;
  const torch::Tensor weights = kernel->weights().view({1, 1, kernel->height(), kernel->width()});
  const Size high = scaled_size(low, scale);
  return BlurKernel(dihedral(weights, turn)[0][0]).moved_to(turned_phase(kernel->phase(), low, high, scale, turn));
}

// What the network sees of a photo, and how its output becomes the photo's again.
class View {
 public:
  View(const torch::Tensor& rgb, const Traits& traits, Scale scale) : rgb_(rgb), traits_(traits), scale_(scale) {
    // A network for luma sees Y; the colours go by cubic interpolation.
    if (traits.channels == 1) ycbcr_ = rgb_to_ycbcr(rgb);
    image_ = traits.channels == 1 ? ycbcr_.slice(1, 0, 1) : traits.gives_hdr ? studio_codes_of_rgb(rgb) : rgb;
    if (traits.takes_enlarged) image_ = imresize(image_, scale);
    image_ = image_.contiguous();
    missing_rows_ = std::max<int64_t>(0, traits.least_side - image_.size(2));
    missing_columns_ = std::max<int64_t>(0, traits.least_side - image_.size(3));
    if (missing_rows_ + missing_columns_ > 0) {
      image_ = torch::replication_pad2d(image_, {0, missing_columns_, 0, missing_rows_});
    }
  }

  const torch::Tensor& image() const { return image_; }
  Size size() const { return {image_.size(2), image_.size(3)}; }

  // [1, channels, H, W] of the network -> [1, 3, H, W], not clamped but for HDR.
  torch::Tensor colours_of(torch::Tensor made) const {
    if (missing_rows_ + missing_columns_ > 0) {
      const auto left = [&](int64_t dim, int64_t gone) {
        return made.size(dim) / image_.size(dim) * (image_.size(dim) - gone);
      };
      made = made.slice(2, 0, left(2, missing_rows_)).slice(3, 0, left(3, missing_columns_)).contiguous();
    }
    if (traits_.gives_hdr) return hdr_rgb_of_studio_codes(made);
    if (traits_.channels == 1) made = ycbcr_to_rgb(torch::cat({made, imresize(ycbcr_.slice(1, 1), scale_)}, 1));
    return made;
  }

 private:
  torch::Tensor rgb_;
  const Traits& traits_;
  Scale scale_;
  torch::Tensor ycbcr_;
  torch::Tensor image_;
  int64_t missing_rows_ = 0;
  int64_t missing_columns_ = 0;
};

}  // namespace

void Options::validate(const Traits& traits) const {
  const auto scale_text =
      scale.y == scale.x ? fmt::format("{:g}", scale.y) : fmt::format("{:g}x{:g}", scale.x, scale.y);
  if (traits.takes_kernel && (scale.y != scale.x || !is_whole(scale.y) || scale.y < 1.0 || scale.y > 4.0)) {
    throw OptionError(fmt::format("scale = {}, this network enlarges by 1, 2, 3 or 4", scale_text));
  }
  const bool known = std::any_of(traits.scales.begin(), traits.scales.end(), [&](int64_t s) {
    return scale.y == static_cast<double>(s) && scale.x == static_cast<double>(s);
  });
  if (!traits.scales.empty() && !known) {
    throw OptionError(
        fmt::format("scale = {}, these weights enlarge by {} only", scale_text, fmt::join(traits.scales, ", ")));
  }
  if (traits.any_scale && (scale.y != scale.x || scale.y < 1.0)) {
    throw OptionError(
        fmt::format("scale = {}, this network enlarges both sides by the same number from 1 on", scale_text));
  }
  if (!(noise >= 0.0) || noise > 255.0) throw OptionError(fmt::format("noise = {:g}, must be 0 to 255", noise));
  if (tile != 0 && tile != kByMemory && tile < 16)
    throw OptionError(fmt::format("tile = {}, must be 0 or at least 16", tile));
  if (margin < 0) throw OptionError(fmt::format("margin = {}, must be >= 0", margin));
}

Result enlarge(const torch::Tensor& photo, const Network& network, const Options& options, const RunContext& context) {
  const Traits& traits = network.traits();
  options.validate(traits);
  const torch::NoGradGuard no_grad;
  Session session(context);
  const bool gray = photo.size(1) == 1;
  const torch::Tensor rgb = photo.to(torch::kCPU, torch::kFloat32).expand({1, 3, -1, -1}).contiguous();
  const View view(rgb, traits, options.scale);
  const std::optional<BlurKernel> kernel = traits.takes_kernel ? std::optional(kernel_for(options)) : std::nullopt;

  const std::vector<int64_t> turns = ensemble_turns(options.self_ensemble);
  int64_t total = 0;
  int64_t done = 0;
  const Pass pass(network, options, context, [&] { session.report("upscale", ++done, total); });
  bool cut = false;
  const int64_t side = pass.side(view.size(), &cut);
  total = static_cast<int64_t>(turns.size()) * count_tiles(view.size(), side);
  const auto turned_pass = [&](int64_t turn) {
    return inverse_dihedral(
        pass(dihedral(view.image(), turn).contiguous(), turned_kernel(kernel, view.size(), options.scale, turn), turn),
        turn);
  };
  Combined combined = combine_passes(turns, EnsembleRule::kMean, turned_pass, [&] { return !session.stopped(); });
  // Results are large: each step lets go of what it was made from.
  torch::Tensor enlarged = view.colours_of(std::move(combined.image));
  if (options.keep_low_frequencies) enlarged = with_low_frequencies_of(rgb, enlarged, options.scale);
  enlarged.clamp_(0.0, 1.0);

  Result result{gray && !traits.gives_hdr ? enlarged.mean(1, true) : enlarged, {}, side};
  result.summary.upscale_s = session.elapsed_s();
  if (combined.passes < static_cast<int64_t>(turns.size())) result.summary.termination = Termination::kStopped;
  std::vector<std::string> remarks;
  if (cut) {
    remarks.push_back(fmt::format(
        "this network depends on the whole photo; memory was enough for tiles of {0}x{0} pixels only, which "
        "overlap by {1} and change the result a little at their seams",
        side, 2 * kFarEnough));
  }
  // What compares brightness with the photo's is of no use in HDR.
  const std::string doubt = traits.gives_hdr ? "" : doubt_about(rgb, enlarged, network.origin());
  if (!doubt.empty()) remarks.push_back(doubt);
  result.summary.message = fmt::format("{}", fmt::join(remarks, "; "));
  return result;
}

}  // namespace zsr::inference
