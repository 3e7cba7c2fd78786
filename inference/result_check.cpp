#include "inference/result_check.h"

#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::inference {
namespace {

constexpr double kTextured = 3.0 / 255.0;  // standard deviation from which a photo is not flat
constexpr double kFlatShare = 0.1;         // of the photo's deviation
// Root mean square, 20 dB; noise of 50 of 255 that was taken off makes 0.04.
constexpr double kFar = 0.1;
constexpr double kFarShare = 0.7;  // of the photo's deviation; what has nothing to do with the photo misses all of it

// The largest of the channels.
double deviation(const torch::Tensor& image) {
  return image.flatten(2).var(2, false).max().sqrt().item<double>();  // makes no copy of a large image
}

// What the result, made smaller again, lacks of the photo; blurred a little, so that noise which the network took off
// does not count.
torch::Tensor miss_of(const torch::Tensor& photo, const torch::Tensor& result) {
  constexpr double kSigma = 1.5;
  const Size size{photo.size(2), photo.size(3)};
  const Scale down{static_cast<double>(size.height) / static_cast<double>(result.size(2)),
                   static_cast<double>(size.width) / static_cast<double>(result.size(3))};
  const bool same_size = down.y == 1.0 && down.x == 1.0;
  const torch::Tensor small = same_size ? result : imresize(result, down, size);
  return correlate(photo - small, gaussian_kernel(9, kSigma, kSigma).weights(), {}, Border::kReplicate);
}

}  // namespace

std::string doubt_about(const torch::Tensor& photo, const torch::Tensor& result, const std::string& weights) {
  const double before = deviation(photo);
  if (before > kTextured && deviation(result) < kFlatShare * before) {
    return fmt::format("the result of '{}' is flat where the photo is not; the weights may be damaged or untrained",
                       weights);
  }
  const torch::Tensor miss = miss_of(photo, result);
  const double far = std::sqrt(miss.square().mean().item<double>());
  const bool other_content = before > kTextured && deviation(miss) > kFarShare * before;
  if (far <= kFar && !other_content) return "";
  return fmt::format(
      "the result of '{}' is another picture when made smaller again ({:.1f} dB); the weights may be damaged or made "
      "for something else",
      weights, -20.0 * std::log10(far));
}

}  // namespace zsr::inference
