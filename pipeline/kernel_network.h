#pragma once

#include "pipeline/request.h"

#include <memory>

namespace zsr::pipeline {

/// Whether `kernel` is far from any Gaussian: a lens out of focus, a shaken camera. The pretrained weights of ZSSR have
/// seen Gaussians and their like, so other methods are better under such a kernel.
bool is_unlike_gaussians(const BlurKernel& kernel);

/// The unfolding network that comes with zsr where it enlarges by `scale` (whole factors 2 to 4), else null.
std::shared_ptr<const Trained> kernel_network(Scale scale);

/// `request` with the trained network that suits its kernel better than the method that it would get, where it names no
/// method: the unfolding network that comes with zsr (networks/usrnet.cpp) for given kernels that are no Gaussians,
/// such as camera shake and lenses out of focus, at whole factors up to 4. Otherwise as it is, also where it asks for
/// training on the photo (Request::training). Throws what load_trained throws.
Request settled(Request request);

}  // namespace zsr::pipeline
