#include "training/validation.h"

#include "core/image/metrics.h"
#include "core/image/photo.h"
#include "core/image/resize.h"
#include "degradations/kernel_families.h"
#include "training/patches.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::training {

Validation::Validation(const std::vector<torch::Tensor>& photos, const Student& student) {
  const int64_t s = student.spec().scale;
  const auto factor = static_cast<double>(s);
  const Condition condition = student.condition();
  const Phase middle = centered_phase({factor, factor});
  constexpr double kPoint = 0.2;
  const bool srmd = condition == Condition::kSrmd;
  for (const bool blurred : {false, true}) {
    if (blurred && condition == Condition::kNone) break;
    const BlurKernel unblurred =
        srmd ? gaussian_kernel(15, kPoint, kPoint) : make_kernel({.family = KernelFamily::kBicubic, .scale = factor});
    const BlurKernel told = blurred ? gaussian_kernel(15, 0.5 * factor, 0.5 * factor) : unblurred;
    for (const torch::Tensor& photo : photos) {
      const torch::Tensor hr =
          photo.slice(1, 0, photo.size(1) / s * s).slice(2, 0, photo.size(2) / s * s).to(torch::kFloat32).unsqueeze(0) /
          255.0;
      const torch::Tensor lr = blurred ? quantize(made_smaller(hr, condition, told, s, middle))
                                       : imresize_uint8(hr, {1.0 / factor, 1.0 / factor});
      const std::vector<float> values = condition_of(condition, told, 0.0, s, middle);
      const torch::Tensor maps = torch::tensor(values).view({1, -1, 1, 1}).expand({1, -1, lr.size(2), lr.size(3)});
      cases_.push_back({values.empty() ? lr : torch::cat({lr, maps}, 1),
                        student.gives_residual() ? imresize(lr, {factor, factor}) : torch::Tensor(), hr, blurred});
    }
  }
}

Validation::Score Validation::score(const Student& student, const torch::Tensor& parameters) const {
  const torch::NoGradGuard no_grad;
  Score score;
  const auto half = static_cast<double>(std::max<int64_t>(
      1, std::count_if(cases_.begin(), cases_.end(), [](const Case& item) { return !item.blurred; })));
  for (const Case& item : cases_) {
    torch::Tensor made = student.forward(item.input, parameters);
    if (item.base.defined()) made = made + item.base;
    made = quantize(made);
    const double psnr = compare_images(made, item.hr, {.shave = student.spec().scale}).psnr_y;
    (item.blurred ? score.psnr_blur : score.psnr) += psnr / half;
  }
  return score;
}

}  // namespace zsr::training
