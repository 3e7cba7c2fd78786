#include "srmd/srmd.h"

#include "core/error.h"
#include "degradations/filter.h"
#include "image/dihedral.h"
#include "networks/enlarge.h"
#include "networks/result_check.h"
#include "srmd/kernel_before_imresize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace zsr::srmd {
namespace {

constexpr int64_t kKernelSize = KernelBeforeImresize::kSize;
constexpr double kPoint = 0.04;  // variance of the narrowest kernel that SRMD knows: a point on the pixel grid

// Codes of the kernels, as the photo turned and mirrored shows them, stretched over it: [1, 15, h, w].
torch::Tensor code_map(const KernelGrid& grid, const KernelPca& pca, int64_t turn, int64_t height, int64_t width) {
  std::vector<torch::Tensor> codes;
  for (const BlurKernel& kernel : grid.kernels) {
    const BlurKernel turned(dihedral(kernel.weights().view({1, 1, kKernelSize, kKernelSize}), turn)[0][0]);
    codes.push_back(pca.encode(turned).to(torch::kFloat32).view({1, -1}));
  }
  const torch::Tensor cells = torch::cat(codes).t().contiguous().view({1, -1, grid.rows, grid.columns});
  if (grid.kernels.size() == 1) return cells.expand({1, -1, height, width});
  return torch::upsample_bilinear2d(cells, {height, width}, false);
}

// [1, 1, h, w] in [0, 1].
torch::Tensor noise_map(const torch::Tensor& photo, const Options& options) {
  const std::vector<int64_t> size = {1, 1, photo.size(2), photo.size(3)};
  if (!options.noise_map.defined()) return torch::full(size, options.noise / 255.0, torch::kFloat32);
  if (options.noise_map.sizes() != size) {
    throw OptionError(fmt::format("the noise map has {} x {} values, the photo {} x {} pixels",
                                  options.noise_map.size(-1), options.noise_map.size(-2), size[3], size[2]));
  }
  if (options.noise_map.min().item<double>() < 0.0 || options.noise_map.max().item<double>() > Options::kMostNoise) {
    throw OptionError(fmt::format("the noise map goes from {:g} to {:g}, must be within 0 and {:g}",
                                  options.noise_map.min().item<double>(), options.noise_map.max().item<double>(),
                                  Options::kMostNoise));
  }
  return options.noise_map.to(torch::kFloat32) / 255.0;
}

// Tile by tile, each with the pixels around it that its result depends on.
torch::Tensor through_tiles(const Network& network, const torch::Tensor& maps, int64_t tile, int64_t margin,
                            const std::function<void()>& after_tile) {
  const int64_t height = maps.size(2);
  const int64_t width = maps.size(3);
  const int64_t s = network.scale();
  const torch::Tensor padded = pad_image(maps, margin, margin, margin, margin, Border::kSymmetric);
  torch::Tensor result = torch::empty({1, 3, height * s, width * s});
  for (int64_t y = 0; y < height; y += tile) {
    for (int64_t x = 0; x < width; x += tile) {
      const networks::TileSpan rows(y, tile, height, network.reach(), margin);
      const networks::TileSpan columns(x, tile, width, network.reach(), margin);
      const torch::Tensor made = network.forward(padded.slice(2, rows.from + margin, rows.to + margin)
                                                     .slice(3, columns.from + margin, columns.to + margin)
                                                     .contiguous());
      result.slice(2, y * s, rows.end * s)
          .slice(3, x * s, columns.end * s)
          .copy_(made.slice(2, (y - rows.from) * s, (rows.end - rows.from) * s)
                     .slice(3, (x - columns.from) * s, (columns.end - columns.from) * s));
      after_tile();
    }
  }
  return result;
}

}  // namespace

void Options::validate() const {
  if (!(noise >= 0.0) || noise > kMostNoise) {
    throw OptionError(fmt::format("noise = {:g}, must be 0 to {:g}: SRMD was trained for no more", noise, kMostNoise));
  }
  if (tile < 16) throw OptionError(fmt::format("tile = {}, must be at least 16", tile));
  if (margin < 0) throw OptionError(fmt::format("margin = {}, must be >= 0", margin));
  const auto cells = static_cast<size_t>(kernels.rows * kernels.columns);
  if (kernels.rows < 1 || kernels.columns < 1 || (!kernels.kernels.empty() && kernels.kernels.size() != cells)) {
    throw OptionError(fmt::format("{} kernels for a grid of {} rows and {} columns; give one for each cell",
                                  kernels.kernels.size(), kernels.rows, kernels.columns));
  }
}

Result run(const torch::Tensor& lr_image, const Network& network, const KernelPca& pca, const Options& options,
           const RunContext& context) {
  options.validate();
  if (pca.components() != Network::kComponents) {
    throw OptionError(
        fmt::format("the kernel basis has {} components, SRMD needs {}", pca.components(), Network::kComponents));
  }
  const torch::NoGradGuard no_grad;
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const bool gray = lr_image.size(1) == 1;
  const torch::Tensor photo = lr_image.to(torch::kCPU, torch::kFloat32).expand({1, 3, -1, -1});
  KernelGrid kernels{1, 1, {gaussian_kernel(kKernelSize, std::sqrt(kPoint), std::sqrt(kPoint))}};
  if (!options.kernels.kernels.empty()) {
    kernels = options.kernels;
    const KernelBeforeImresize before_imresize(network.scale());
    for (BlurKernel& kernel : kernels.kernels) kernel = before_imresize(kernel);
  }
  const torch::Tensor noise = noise_map(photo, options);

  const int64_t passes = options.self_ensemble ? 8 : 1;
  const auto along = [&](int64_t length) { return (length + options.tile - 1) / options.tile; };
  const int64_t total = passes * along(photo.size(2)) * along(photo.size(3));
  int64_t done = 0;
  bool hurry = false;
  const auto after_tile = [&] {
    ++done;
    if (!context.progress) return;
    const ProgressAction action = context.progress({"upscale", done, total, 0.0, elapsed()});
    if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
    hurry = hurry || action == ProgressAction::kStop;
  };
  torch::Tensor sum;
  int64_t summed = 0;
  for (; summed < passes && !(hurry && summed > 0); ++summed) {
    // The kernels turn with the photo.
    std::vector<torch::Tensor> parts = {photo, code_map(kernels, pca, summed, photo.size(2), photo.size(3))};
    if (network.knows_noise()) parts.push_back(noise);
    const torch::Tensor maps = dihedral(torch::cat(parts, 1), summed).contiguous();
    const torch::Tensor image =
        inverse_dihedral(through_tiles(network, maps, options.tile, options.margin, after_tile), summed);
    sum = sum.defined() ? sum.add_(image) : image.clone();
  }
  sum.div_(static_cast<double>(summed));
  if (options.keep_low_frequencies) {
    const auto factor = static_cast<double>(network.scale());
    sum = networks::with_low_frequencies_of(photo, sum, {factor, factor});
  }
  sum.clamp_(0.0, 1.0);
  const std::string doubt = networks::doubt_about(photo, sum, network.origin());
  Result result{gray ? sum.mean(1, true) : sum, {}};
  result.summary.upscale_s = elapsed();
  result.summary.termination = hurry && summed < passes ? Termination::kStopped : Termination::kFinished;
  result.summary.message = doubt;
  return result;
}

}  // namespace zsr::srmd
