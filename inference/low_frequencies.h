#pragma once

#include "image/resize.h"

#include <torch/types.h>

namespace zsr::inference {

/// `image` with brightness and colour of large areas (a Gaussian of 4 pixels of the photo) as in `photo`, which it was
/// made from by `scale`: sr + up(blurred(photo - down(sr))). Not clamped.
torch::Tensor with_low_frequencies_of(const torch::Tensor& photo, const torch::Tensor& image, Scale scale);

}  // namespace zsr::inference
