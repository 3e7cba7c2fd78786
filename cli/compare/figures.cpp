#include "cli/compare/figures.h"

#include "core/error.h"
#include "core/image/color.h"
#include "core/image/metrics.h"
#include "core/image/perceptual.h"
#include "degradations/downsample.h"
#include "degradations/kernel.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace zsr::cli {
namespace {

void put(nlohmann::json& figures, const char* name, double value) {
  if (std::isfinite(value)) figures[name] = value;
}

// How well the result, made smaller, is the photo again.
double consistency(const MethodResult& result, const torch::Tensor& photo, Scale scale) {
  const Size size{photo.size(2), photo.size(3)};
  if (!result.kernel.defined()) return psnr(imresize(result.image, {1.0 / scale.y, 1.0 / scale.x}, size), photo);
  return psnr(downsample(result.image, BlurKernel(result.kernel).moved_to(centered_phase(scale)), scale, size), photo);
}

}  // namespace

const std::vector<FigureColumn>& figure_columns() {
  static const std::vector<FigureColumn> columns = {
      {"name", "method", "", 0, "", false},
      {"psnr_y", "PSNR Y", "dB, luma, the scale's pixels cut from every side", 2, "high", true},
      {"ssim_y", "SSIM Y", "structural similarity of luma", 4, "high", true},
      {"psnr_rgb", "PSNR RGB", "dB, all channels", 2, "high", true},
      {"ms_ssim", "MS-SSIM", "SSIM over five scales, luma", 4, "high", true},
      {"psnr_shifted", "PSNR shifted", "dB, luma, at the shift by quarter pixels where it is highest", 2, "high", true},
      {"consistency_db", "gives the photo back", "dB: the result made smaller by its kernel against the photo", 1,
       "high", false},
      {"invented", "invented detail", "mean energy of detail beyond what the photo suggests, 1/255", 2, "", false},
      {"seconds", "seconds", "from start to end of the process", 1, "low", false},
      {"peak_memory_mb", "memory, MB", "most that it held at once", 0, "low", false},
  };
  return columns;
}

void measure(MethodResult& result, const torch::Tensor& photo, const torch::Tensor& reference, Scale scale) {
  put(result.figures, "seconds", result.seconds);
  put(result.figures, "peak_memory_mb", result.peak_memory_mb);
  put(result.figures, "consistency_db", consistency(result, photo, scale));
  if (scale.y == scale.x)
    put(result.figures, "invented", 255.0 * invented_detail(result.image, photo).mean().item<double>());
  if (!reference.defined()) return;
  MetricProtocol protocol;
  protocol.shave = static_cast<int64_t>(std::ceil(std::max(scale.y, scale.x)));
  const Metrics metrics = compare_images(result.image, reference, protocol);
  put(result.figures, "psnr_y", metrics.psnr_y);
  put(result.figures, "ssim_y", metrics.ssim_y);
  put(result.figures, "psnr_rgb", metrics.psnr_rgb);
  const torch::Tensor image = result.image.size(1) == reference.size(1) ? result.image : luma(result.image);
  const torch::Tensor truth = result.image.size(1) == reference.size(1) ? reference : luma(reference);
  put(result.figures, "ms_ssim", ms_ssim(image, truth));
  const ShiftedPsnr shifted = shifted_psnr(image, truth, protocol.shave);
  put(result.figures, "psnr_shifted", shifted.psnr);
  put(result.figures, "shift_x", shifted.shift_x);
  put(result.figures, "shift_y", shifted.shift_y);
}

std::vector<Crop> crops_of_difference(const std::vector<MethodResult>& results, int64_t side, size_t count) {
  std::vector<torch::Tensor> lumas;
  for (const MethodResult& result : results) {
    if (result.image.defined()) lumas.push_back(luma(result.image));
  }
  if (lumas.size() < 2) return {};
  const int64_t height = lumas[0].size(2);
  const int64_t width = lumas[0].size(3);
  const int64_t own = std::min({side, height, width});
  const torch::Tensor spread = torch::stack(lumas).var(0, false);
  torch::Tensor score = torch::avg_pool2d(spread, {own, own}, {1, 1})[0][0].contiguous();
  std::vector<Crop> crops;
  while (crops.size() < count) {
    const int64_t at = score.argmax().item<int64_t>();
    const int64_t y = at / score.size(1);
    const int64_t x = at % score.size(1);
    if (score[y][x].item<double>() <= 0.0) break;
    crops.push_back({x, y, own});
    score.slice(0, std::max<int64_t>(0, y - own), y + own).slice(1, std::max<int64_t>(0, x - own), x + own).fill_(0.0);
  }
  return crops;
}

}  // namespace zsr::cli
