#include "srmd/srmd.h"

#include "core/device.h"
#include "core/error.h"
#include "core/session.h"
#include "degradations/filter.h"
#include "image/dihedral.h"
#include "inference/low_frequencies.h"
#include "inference/result_check.h"
#include "inference/self_ensemble.h"
#include "inference/tiles.h"
#include "srmd/kernel_before_imresize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>

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

// One pass over `maps`, tile by tile.
torch::Tensor through_tiles(const Network& network, const torch::Tensor& maps, const Options& options, int64_t tile,
                            torch::Device device, const std::function<void()>& after_tile) {
  const Size low{maps.size(2), maps.size(3)};
  const int64_t s = network.scale();
  const int64_t margin = options.margin;
  const torch::Tensor padded = pad_image(maps, margin, margin, margin, margin, Border::kSymmetric);
  const auto factor = static_cast<double>(s);
  return inference::in_tiles(low, {low.height * s, low.width * s}, {factor, factor}, 3, {tile, network.reach(), margin},
                             [&](const inference::Span& row, const inference::Span& column) {
                               const torch::Tensor made =
                                   network.forward(inference::read_tile(padded, row, column, margin).to(device)).cpu();
                               after_tile();
                               return made;
                             });
}

}  // namespace

void Options::validate() const {
  if (!(noise >= 0.0) || noise > kMostNoise) {
    throw OptionError(fmt::format("noise = {:g}, must be 0 to {:g}: SRMD was trained for no more", noise, kMostNoise));
  }
  if (tile != inference::kByMemory && tile < 16) throw OptionError(fmt::format("tile = {}, must be at least 16", tile));
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
  Session session(context);
  const bool gray = lr_image.size(1) == 1;
  const torch::Tensor photo = lr_image.to(torch::kCPU, torch::kFloat32).expand({1, 3, -1, -1});
  KernelGrid kernels{1, 1, {gaussian_kernel(kKernelSize, std::sqrt(kPoint), std::sqrt(kPoint))}};
  if (!options.kernels.kernels.empty()) {
    kernels = options.kernels;
    const KernelBeforeImresize before_imresize(network.scale());
    for (BlurKernel& kernel : kernels.kernels) kernel = before_imresize(kernel);
  }
  const torch::Tensor noise = noise_map(photo, options);

  const std::vector<int64_t> turns = inference::ensemble_turns(options.self_ensemble);
  const int64_t tile = inference::planned_tile(options.tile, network.pixel_bytes(), network.reach(),
                                               static_cast<double>(available_memory()));
  const int64_t total =
      static_cast<int64_t>(turns.size()) * inference::count_tiles({photo.size(2), photo.size(3)}, tile);
  int64_t done = 0;
  const auto pass = [&](int64_t turn) {
    // The kernels turn with the photo.
    std::vector<torch::Tensor> parts = {photo, code_map(kernels, pca, turn, photo.size(2), photo.size(3))};
    if (network.knows_noise()) parts.push_back(noise);
    const torch::Tensor maps = dihedral(torch::cat(parts, 1), turn).contiguous();
    const auto after_tile = [&] { session.report("upscale", ++done, total); };
    return inverse_dihedral(through_tiles(network, maps, options, tile, context.device, after_tile), turn);
  };
  const inference::Combined combined =
      inference::combine_passes(turns, inference::EnsembleRule::kMean, pass, [&] { return !session.stopped(); });
  torch::Tensor image = combined.image;
  if (options.keep_low_frequencies) {
    const auto factor = static_cast<double>(network.scale());
    image = inference::with_low_frequencies_of(photo, image, {factor, factor});
  }
  image.clamp_(0.0, 1.0);
  Result result{gray ? image.mean(1, true) : image, {}, tile};
  result.summary.upscale_s = session.elapsed_s();
  if (combined.passes < static_cast<int64_t>(turns.size())) result.summary.termination = Termination::kStopped;
  result.summary.message = inference::doubt_about(photo, image, network.origin());
  return result;
}

}  // namespace zsr::srmd
