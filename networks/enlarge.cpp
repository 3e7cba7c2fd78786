#include "networks/enlarge.h"

#include "core/device.h"
#include "core/error.h"
#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "image/color.h"
#include "image/dihedral.h"
#include "networks/result_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace zsr::networks {
namespace {

// What tiles overlap by where a network depends on the whole photo and memory is too small for it.
constexpr int64_t kFarEnough = 48;
constexpr double kBytesPerPixel = 4.0 * 64.0 * 12.0;  // a dozen images of 64 channels

bool is_whole(double factor) {
  return factor == std::floor(factor);
}

class Pass {
 public:
  Pass(const Network& network, const Options& options, std::function<void()> after_tile)
      : network_(network), traits_(network.traits()), options_(options), after_tile_(std::move(after_tile)) {
    scale_ = traits_.takes_enlarged ? 1 : static_cast<int64_t>(options.scale.y);
    // USRNet continues the photo itself. Tiles begin on whole units of what is unshuffled.
    const int64_t unit = traits_.multiple_of;
    margin_ = traits_.takes_kernel ? 0 : (options.margin + unit - 1) / unit * unit;
  }

  int64_t halo() const { return traits_.reach == Traits::kWholePhoto ? kFarEnough : traits_.reach; }

  // Side of a tile for an input of that size; `cut` receives whether the whole would not fit.
  int64_t side(int64_t height, int64_t width, bool* cut = nullptr) const {
    const int64_t whole = std::max(height, width);
    if (traits_.reach != Traits::kWholePhoto) return options_.tile == 0 ? whole : options_.tile;
    const double area = traits_.takes_kernel ? static_cast<double>(scale_ * scale_) : 1.0;
    const double pixels = 0.5 * static_cast<double>(available_memory()) / (kBytesPerPixel * area);
    if (static_cast<double>(height) * static_cast<double>(width) <= pixels) return whole;
    if (cut != nullptr) *cut = true;
    return std::max<int64_t>(64, static_cast<int64_t>(std::sqrt(pixels)) - 2 * kFarEnough);
  }

  int64_t tiles(int64_t height, int64_t width) const {
    const int64_t step = side(height, width);
    return ((height + step - 1) / step) * ((width + step - 1) / step);
  }

  torch::Tensor operator()(const torch::Tensor& image, const std::optional<BlurKernel>& kernel) const {
    const int64_t height = image.size(2);
    const int64_t width = image.size(3);
    const int64_t step = side(height, width);
    const torch::Tensor padded = pad_image(image, margin_, margin_, margin_, margin_, Border::kSymmetric);
    const auto part_of = [&](const TileSpan& rows, const TileSpan& columns) {
      return padded.slice(2, rows.from + margin_, rows.to + margin_)
          .slice(3, columns.from + margin_, columns.to + margin_)
          .contiguous();
    };
    torch::Tensor result = torch::empty({1, image.size(1), height * scale_, width * scale_});
    for (int64_t y = 0; y < height; y += step) {
      for (int64_t x = 0; x < width; x += step) {
        const TileSpan rows(y, step, height, halo(), margin_);
        const TileSpan columns(x, step, width, halo(), margin_);
        const torch::Tensor made = network_.forward(
            {part_of(rows, columns), scale_, kernel, options_.noise / 255.0, options_.circular, options_.damage});
        result.slice(2, y * scale_, rows.end * scale_)
            .slice(3, x * scale_, columns.end * scale_)
            .copy_(made.slice(2, (y - rows.from) * scale_, (rows.end - rows.from) * scale_)
                       .slice(3, (x - columns.from) * scale_, (columns.end - columns.from) * scale_));
        after_tile_();
      }
    }
    return result;
  }

 private:
  const Network& network_;
  const Traits& traits_;
  const Options& options_;
  std::function<void()> after_tile_;
  int64_t scale_ = 1;
  int64_t margin_ = 0;
};

// Bicubic downscaling where none is given; at the photo's own size no blur.
BlurKernel kernel_for(const Options& options) {
  if (options.kernel) return *options.kernel;
  if (options.scale.y == 1.0) return BlurKernel(torch::ones({1, 1}));
  return make_kernel({.family = KernelFamily::kBicubic, .scale = options.scale.y})
      .moved_to(centered_phase(options.scale));
}

// What was made of `image`, without what its last rows and columns became.
torch::Tensor without_last(const torch::Tensor& made, const torch::Tensor& image, int64_t rows, int64_t columns) {
  const auto left = [&](int64_t dim, int64_t gone) {
    return made.size(dim) / image.size(dim) * (image.size(dim) - gone);
  };
  return made.slice(2, 0, left(2, rows)).slice(3, 0, left(3, columns)).contiguous();
}

// The kernel turns with the photo; its place between the pixels stays the centre.
std::optional<BlurKernel> turned_kernel(const std::optional<BlurKernel>& kernel, int64_t turn) {
  if (!kernel) return std::nullopt;
  const torch::Tensor weights = kernel->weights().view({1, 1, kernel->height(), kernel->width()});
  return BlurKernel(dihedral(weights, turn)[0][0]).moved_to(kernel->phase());
}

}  // namespace

torch::Tensor with_low_frequencies_of(const torch::Tensor& photo, const torch::Tensor& image, Scale scale) {
  constexpr double kSigma = 4.0;  // photo pixels
  const torch::Tensor down = imresize(image, {1.0 / scale.y, 1.0 / scale.x}, Size{photo.size(2), photo.size(3)});
  const torch::Tensor kernel = gaussian_kernel(25, kSigma, kSigma).weights();
  const torch::Tensor miss = correlate(photo - down, kernel, {}, Border::kReplicate);
  return image + imresize(miss, scale, Size{image.size(2), image.size(3)});
}

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
  if (!(noise >= 0.0) || noise > 255.0) throw OptionError(fmt::format("noise = {:g}, must be 0 to 255", noise));
  if (tile != 0 && tile < 16) throw OptionError(fmt::format("tile = {}, must be 0 or at least 16", tile));
  if (margin < 0) throw OptionError(fmt::format("margin = {}, must be >= 0", margin));
}

Result run(const torch::Tensor& photo, const Network& network, const Options& options, const RunContext& context) {
  const Traits& traits = network.traits();
  options.validate(traits);
  const torch::NoGradGuard no_grad;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const bool gray = photo.size(1) == 1;
  const torch::Tensor rgb = photo.to(torch::kCPU, torch::kFloat32).expand({1, 3, -1, -1}).contiguous();
  // A network for luma sees Y; the colours go by cubic interpolation.
  const torch::Tensor ycbcr = traits.channels == 1 ? rgb_to_ycbcr(rgb) : torch::Tensor();
  torch::Tensor image = traits.channels == 1 ? ycbcr.slice(1, 0, 1) : rgb;
  if (traits.takes_enlarged) image = imresize(image, options.scale);
  image = image.contiguous();
  const std::optional<BlurKernel> kernel = traits.takes_kernel ? std::optional(kernel_for(options)) : std::nullopt;
  const int64_t missing_rows = std::max<int64_t>(0, traits.least_side - image.size(2));
  const int64_t missing_columns = std::max<int64_t>(0, traits.least_side - image.size(3));
  if (missing_rows + missing_columns > 0) {
    image = torch::replication_pad2d(image, {0, missing_columns, 0, missing_rows});
  }

  const int64_t passes = options.self_ensemble ? 8 : 1;
  int64_t total = 0;
  int64_t done = 0;
  bool hurry = false;
  const Pass pass(network, options, [&] {
    ++done;
    if (!context.progress) return;
    const ProgressAction action = context.progress({"upscale", done, total, 0.0, elapsed()});
    if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
    hurry = hurry || action == ProgressAction::kStop;
  });
  total = passes * pass.tiles(image.size(2), image.size(3));
  torch::Tensor sum;
  int64_t summed = 0;
  for (; summed < passes && !(hurry && summed > 0); ++summed) {
    const torch::Tensor made =
        inverse_dihedral(pass(dihedral(image, summed).contiguous(), turned_kernel(kernel, summed)), summed);
    sum = sum.defined() ? sum.add_(made) : made.clone();
  }
  torch::Tensor enlarged = sum.div_(static_cast<double>(summed));
  if (missing_rows + missing_columns > 0) enlarged = without_last(enlarged, image, missing_rows, missing_columns);
  if (traits.channels == 1) {
    enlarged = ycbcr_to_rgb(torch::cat({enlarged, imresize(ycbcr.slice(1, 1), options.scale)}, 1));
  }
  if (options.keep_low_frequencies) enlarged = with_low_frequencies_of(rgb, enlarged, options.scale);
  enlarged = enlarged.clamp(0.0, 1.0);
  Result result{gray ? enlarged.mean(1, true) : enlarged, {}};
  result.summary.upscale_s = elapsed();
  result.summary.termination = hurry && summed < passes ? Termination::kStopped : Termination::kFinished;
  std::vector<std::string> remarks;
  bool cut = false;
  pass.side(image.size(2), image.size(3), &cut);
  if (cut) {
    remarks.emplace_back(
        "this network depends on the whole photo; memory was enough for tiles only, which changes the result a little");
  }
  const std::string doubt = doubt_about(rgb, enlarged, network.origin());
  if (!doubt.empty()) remarks.push_back(doubt);
  result.summary.message = fmt::format("{}", fmt::join(remarks, "; "));
  return result;
}

}  // namespace zsr::networks
