// What patches are made of: their settings, photos at smaller sizes, downscaling under a kernel.
#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/kernel_families.h"
#include "image/resize.h"
#include "training/patches.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {

void PatchOptions::validate() const {
  if (batch < 1 || batch > 4096) throw OptionError(fmt::format("batch = {}, must be 1 to 4096", batch));
  if (patch < 8 || patch > 1024) throw OptionError(fmt::format("patch = {}, must be 8 to 1024", patch));
  if (!(noise >= 0.0) || noise > kMostNoise) {
    throw OptionError(fmt::format("noise = {:g}, must be 0 to {:g}", noise, kMostNoise));
  }
  if (!(noisy >= 0.0 && noisy <= 1.0)) throw OptionError(fmt::format("noisy = {:g}, must be 0 to 1", noisy));
  if (!(sharp >= 0.0 && sharp <= 1.0)) throw OptionError(fmt::format("sharp = {:g}, must be 0 to 1", sharp));
  if (!(direct >= 0.0 && direct <= 1.0)) throw OptionError(fmt::format("direct = {:g}, must be 0 to 1", direct));
  if (!(known >= 0.0 && known <= 1.0)) throw OptionError(fmt::format("known = {:g}, must be 0 to 1", known));
  if (known_soft && !(*known_soft >= 0.0 && *known_soft <= 1.0)) {
    throw OptionError(fmt::format("known_soft = {:g}, must be 0 to 1", *known_soft));
  }
  if (scales.empty() || !std::is_sorted(scales.begin(), scales.end())) throw OptionError("scales must rise");
  if (align < 1) throw OptionError(fmt::format("align = {}, must be >= 1", align));
  if (curriculum < 0) throw OptionError(fmt::format("curriculum = {}, must be >= 0", curriculum));
}

std::vector<torch::Tensor> with_smaller_sizes(std::vector<torch::Tensor> photos, const std::vector<double>& sizes,
                                              int64_t least_side) {
  const size_t count = photos.size();
  for (const double size : sizes) {
    if (!(size > 0.0) || size > 1.0) throw OptionError(fmt::format("size {:g} must be above 0 and at most 1", size));
    if (size == 1.0) continue;
    for (size_t i = 0; i < count; ++i) {
      const auto shorter = static_cast<double>(std::min(photos[i].size(1), photos[i].size(2)));
      if (std::ceil(size * shorter) < static_cast<double>(least_side)) continue;
      photos.push_back(
          imresize_uint8((photos[i].to(torch::kFloat32) / 255.0).unsqueeze(0), {size, size})[0].mul(255.0).round_().to(
              torch::kUInt8));
    }
  }
  return photos;
}

torch::Tensor made_smaller(const torch::Tensor& hr, Condition condition, const BlurKernel& kernel, int64_t scale,
                           Phase phase) {
  const auto factor = static_cast<double>(scale);
  const BlurKernel whole = condition == Condition::kSrmd
                               ? compose(kernel, make_kernel({.family = KernelFamily::kBicubic, .scale = factor}), 1)
                               : kernel;
  return downsample(hr, whole.moved_to(phase), {factor, factor});
}

torch::Tensor blurred_periodically(const torch::Tensor& hr, const torch::Tensor& kernels, int64_t scale) {
  const int64_t below = kernels.size(2) / 2;
  const int64_t before = kernels.size(3) / 2;
  const torch::Tensor rows = torch::arange(-below, hr.size(2) + kernels.size(2) - 1 - below).remainder(hr.size(2));
  const torch::Tensor columns = torch::arange(-before, hr.size(3) + kernels.size(3) - 1 - before).remainder(hr.size(3));
  const torch::Tensor around = hr.index_select(2, rows).index_select(3, columns);
  // Channels as images, kernels as groups.
  const torch::Tensor by_channel = around.transpose(0, 1);
  const torch::Tensor weights = kernels.expand({hr.size(0), 1, -1, -1}).to(hr.dtype());
  return torch::conv2d(by_channel, weights, torch::Tensor(), at::IntArrayRef{scale, scale}, at::IntArrayRef{0, 0},
                       at::IntArrayRef{1, 1}, hr.size(0))
      .transpose(0, 1)
      .contiguous();
}

const KernelPca& srmd_basis() {
  static const KernelPca basis = KernelPca::srmd();
  return basis;
}

}  // namespace zsr::training
