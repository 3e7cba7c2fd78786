#pragma once

#include "dip/fast/image.h"

namespace zsr::dip {

/// Puts `deeper`, twice the size, and behind it `skip` (null: nothing) into one image, whose border is left alone; each
/// as it is seen. The enlarged channels, a multiple of 16, come first: blocks then need not be torn apart. Returns the
/// sums of what was written.
Sums join(const View& deeper, const View* skip, bool bilinear, Image& joint);

/// The gradient of join. `gradient` is that of the joint image as the convolution behind it sends it; `pull` [padded
/// channels] times (joint - mean) is what it owes to the deviation. Writes the gradients of both parts before their
/// activation; returns the sums of them and of them times the parts' images.
struct JoinedSums {
  Sums deeper, skip;
};
JoinedSums join_gradient(const Image& gradient, const Image& joint, const std::vector<float>& pull,
                         const std::vector<float>& mean, const View& deeper, const View* skip, bool bilinear,
                         Image& deeper_gradient, Image* skip_gradient);

}  // namespace zsr::dip
