#include "core/error.h"
#include "degradations/grain.h"

#include <fmt/format.h>
#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

constexpr int64_t kBlock = 16;
constexpr int64_t kJpegBlock = 8;
constexpr double kFlatShare = 0.3;
constexpr double kRougher = 4.0;       // times the limit of the whole photo: a gradient twice as large
constexpr int64_t kLeastBlocks = 16;   // of a small photo, whatever its share of flat blocks
constexpr int64_t kLeastInBin = 8;     // blocks; fewer say little, and one with detail spoils them
constexpr double kOutlier = 4.0;       // times the median variance of a bin's blocks: removed detail, not grain
constexpr double kLeastLevel = 0.05;   // 1/255; less is rounding
constexpr double kMostClipped = 0.1;   // of a block's pixels
constexpr double kSignificance = 3.0;  // standard errors of an autocorrelation
constexpr int64_t kLags = kGrainFilterSide - 1;  // the filter's autocorrelation reaches this far

torch::Tensor luma_of(const torch::Tensor& image) {
  if (image.size(0) == 1) return image[0];
  return image[0] * 0.299 + image[1] * 0.587 + image[2] * 0.114;
}

// [C, H, W] or [H, W] -> [blocks, C, 16, 16] or [blocks, 16, 16].
torch::Tensor blocks_of(const torch::Tensor& image) {
  if (image.dim() == 2) return blocks_of(image.unsqueeze(0)).squeeze(1);
  return image.unfold(1, kBlock, kBlock)
      .unfold(2, kBlock, kBlock)
      .permute({1, 2, 0, 3, 4})
      .reshape({-1, image.size(0), kBlock, kBlock});
}

// Mean squared gradient of each block.
torch::Tensor roughness(const torch::Tensor& blocks) {
  const torch::Tensor down = blocks.slice(1, 1) - blocks.slice(1, 0, -1);
  const torch::Tensor right = blocks.slice(2, 1) - blocks.slice(2, 0, -1);
  return down.square().mean({1, 2}) + right.square().mean({1, 2});
}

// Place in `level` of a brightness.
torch::Tensor bin_of(const torch::Tensor& bright) {
  return (bright * static_cast<double>(kGrainBins)).floor().clamp(0, kGrainBins - 1);
}

// Indices of the flattest blocks of the photo, and of those of every brightness that are not much rougher.
torch::Tensor flattest(const torch::Tensor& rough, const torch::Tensor& bins) {
  const auto limit_of = [](const torch::Tensor& values, int64_t least) {
    const int64_t count = values.size(0);
    const int64_t wanted = std::min(count, std::max(least, static_cast<int64_t>(kFlatShare * count)));
    return std::get<0>(values.sort())[wanted - 1].item<double>();
  };
  const double limit = limit_of(rough, kLeastBlocks);
  torch::Tensor chosen = rough.le(limit);
  for (int64_t i = 0; i < kGrainBins; ++i) {
    const torch::Tensor inside = bins.eq(static_cast<double>(i));
    if (inside.sum().item<int64_t>() == 0) continue;
    const double own = std::min(limit_of(rough.masked_select(inside), kLeastInBin), kRougher * limit);
    chosen = chosen.logical_or(inside.logical_and(rough.le(own)));
  }
  return chosen.nonzero().view({-1});
}

struct FlatBlocks {
  torch::Tensor residual;  // [blocks, C, 16, 16], 1/255
  torch::Tensor luma;      // [blocks, 16, 16]: of the residual
  torch::Tensor bright;    // [blocks]: mean luma of the denoised photo, 0 to 1
  torch::Tensor open;      // [blocks] bool: few clipped pixels
};

FlatBlocks flat_blocks(const torch::Tensor& photo, const torch::Tensor& denoised) {
  const torch::Tensor bright = blocks_of(luma_of(denoised));
  const torch::Tensor chosen = flattest(roughness(bright), bin_of(bright.mean({1, 2})));
  FlatBlocks flat;
  flat.residual = blocks_of((photo - denoised) * 255.0).index_select(0, chosen);
  // What is the same in every 8x8 block is no grain. Blocks begin on the grid of the JPEG, at multiples of 8.
  const int64_t channels = photo.size(0);
  const torch::Tensor parts = flat.residual.view({-1, channels, 2, kJpegBlock, 2, kJpegBlock});
  flat.residual = (parts - parts.mean({0, 2, 4}, true)).view_as(flat.residual);
  flat.luma = luma_of(flat.residual.permute({1, 0, 2, 3}));
  flat.bright = bright.index_select(0, chosen).mean({1, 2});
  const torch::Tensor values = blocks_of(photo).index_select(0, chosen);
  const torch::Tensor clipped = values.le(0.5 / 255.0).logical_or(values.ge(254.5 / 255.0));
  flat.open = clipped.to(torch::kFloat64).mean({1, 2, 3}).le(kMostClipped);
  return flat;
}

// Root of the mean variance of the blocks, those that stand out left out.
double robust_level(const torch::Tensor& variances) {
  const torch::Tensor usual = variances.masked_select(variances.le(kOutlier * variances.median()));
  return std::sqrt(usual.mean().item<double>());
}

void fill_gaps(GrainModel& model, double fallback) {
  std::vector<int64_t> known;
  for (int64_t i = 0; i < kGrainBins; ++i) {
    if (model.measured[i]) known.push_back(i);
  }
  if (known.empty()) {
    model.level.fill(fallback);
    return;
  }
  for (int64_t i = 0; i < kGrainBins; ++i) {
    const auto above = std::lower_bound(known.begin(), known.end(), i);
    if (above == known.end()) {
      model.level[i] = model.level[known.back()];
    } else if (*above != i) {
      const int64_t high = *above;
      const int64_t low = above == known.begin() ? high : *(above - 1);
      const double part = high == low ? 0.0 : static_cast<double>(i - low) / static_cast<double>(high - low);
      model.level[i] = (1.0 - part) * model.level[low] + part * model.level[high];
    }
  }
}

void measure_levels(const FlatBlocks& flat, GrainModel& model) {
  const torch::Tensor variances = flat.luma.square().mean({1, 2});
  const torch::Tensor bins = bin_of(flat.bright);
  for (int64_t i = 0; i < kGrainBins; ++i) {
    const torch::Tensor inside = variances.masked_select(bins.eq(static_cast<double>(i)));
    model.measured[i] = inside.size(0) >= kLeastInBin;
    if (model.measured[i]) model.level[i] = robust_level(inside);
  }
  fill_gaps(model, robust_level(variances));
}

// Autocorrelation of [blocks, 16, 16] at lags up to 10, pairs within a block only, made symmetric: [21, 21], 1 at the
// middle. Lags that chance alone explains are 0, so that white noise has a white spectrum.
torch::Tensor autocorrelation(const torch::Tensor& field) {
  torch::Tensor result = torch::zeros({2 * kLags + 1, 2 * kLags + 1}, torch::kFloat64);
  const double variance = field.square().mean().item<double>();
  for (int64_t dy = 0; dy <= kLags; ++dy) {
    for (int64_t dx = 0; dx <= kLags; ++dx) {
      const torch::Tensor low = field.slice(1, dy);
      const torch::Tensor high = field.slice(1, 0, kBlock - dy);
      const torch::Tensor falling = low.slice(2, dx) * high.slice(2, 0, kBlock - dx);
      const torch::Tensor rising = low.slice(2, 0, kBlock - dx) * high.slice(2, dx);
      const double value = 0.5 * (falling.mean() + rising.mean()).item<double>() / variance;
      const double error = 1.0 / std::sqrt(static_cast<double>(falling.numel()));
      const double kept = std::abs(value) > kSignificance * error ? value : 0.0;
      for (const int64_t y : {kLags - dy, kLags + dy}) {
        for (const int64_t x : {kLags - dx, kLags + dx}) result[y][x] = kept;
      }
    }
  }
  return result;
}

// The zero-phase filter whose output, fed with white noise, has that autocorrelation: the root of its spectrum.
torch::Tensor filter_of(const torch::Tensor& correlation) {
  constexpr int64_t kTransform = 64;  // of the transform; the filter has room to decay
  torch::Tensor padded = torch::zeros({kTransform, kTransform}, torch::kFloat64);
  padded.slice(0, 0, correlation.size(0)).slice(1, 0, correlation.size(1)).copy_(correlation);
  padded = padded.roll({-kLags, -kLags}, {0, 1});
  const torch::Tensor power = torch::real(torch::fft::fft2(padded)).clamp_min(0.0);
  const torch::Tensor response = torch::real(torch::fft::ifft2(power.sqrt()));
  constexpr int64_t kRadius = kGrainFilterSide / 2;
  const torch::Tensor filter =
      response.roll({kRadius, kRadius}, {0, 1}).slice(0, 0, kGrainFilterSide).slice(1, 0, kGrainFilterSide);
  const torch::Tensor symmetric = (filter + filter.flip({0}) + filter.flip({1}) + filter.flip({0, 1})) / 4.0;
  return (symmetric / symmetric.square().sum().sqrt()).contiguous();
}

void measure_shape(const FlatBlocks& flat, GrainModel& model) {
  const int64_t channels = model.channels;
  model.filter[model.filter.size() / 2] = 1.0;
  std::fill_n(model.covariance.begin(), channels * channels, 1.0);
  // Divided by the level of its brightness the grain is the same everywhere.
  torch::Tensor levels = flat.bright.clone();
  for (int64_t i = 0; i < levels.size(0); ++i) levels[i] = model.level_at(flat.bright[i].item<double>());
  torch::Tensor use = flat.open.logical_and(levels.gt(kLeastLevel));
  if (use.sum().item<int64_t>() < kLeastInBin) return;
  const torch::Tensor scaled = flat.luma / levels.clamp_min(kLeastLevel).view({-1, 1, 1});
  use = use.logical_and(scaled.square().mean({1, 2}).le(kOutlier));
  const torch::Tensor chosen = use.nonzero().view({-1});
  if (chosen.size(0) < kLeastInBin) return;

  const torch::Tensor filter = filter_of(autocorrelation(scaled.index_select(0, chosen)));
  std::copy_n(filter.data_ptr<double>(), filter.numel(), model.filter.begin());
  const torch::Tensor colours = (flat.residual / levels.clamp_min(kLeastLevel).view({-1, 1, 1, 1}))
                                    .index_select(0, chosen)
                                    .permute({1, 0, 2, 3})
                                    .reshape({channels, -1});
  const torch::Tensor luma_variance = scaled.index_select(0, chosen).square().mean();
  const torch::Tensor covariance =
      (torch::matmul(colours, colours.t()) / static_cast<double>(colours.size(1)) / luma_variance).contiguous();
  std::copy_n(covariance.data_ptr<double>(), covariance.numel(), model.covariance.begin());
}

}  // namespace

GrainModel analyse_grain(const torch::Tensor& photo, const torch::Tensor& denoised) {
  if (photo.sizes() != denoised.sizes()) {
    throw OptionError("grain: the photo and the denoised photo must have the same size and channels");
  }
  if (photo.size(2) < 2 * kBlock || photo.size(3) < 2 * kBlock) {
    throw OptionError(fmt::format("the image is {}x{}; analysing its grain needs at least 32x32 pixels", photo.size(3),
                                  photo.size(2)));
  }
  const torch::NoGradGuard no_grad;
  GrainModel model;
  model.channels = photo.size(1);
  const FlatBlocks flat = flat_blocks(photo[0].to(torch::kFloat64), denoised[0].to(torch::kFloat64));
  measure_levels(flat, model);
  measure_shape(flat, model);
  return model;
}

}  // namespace zsr
