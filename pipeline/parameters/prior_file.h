#pragma once

#include "degradations/flow_prior.h"
#include "image/resize.h"

#include <string>

namespace zsr::pipeline {

/// The prior of blur kernels in `file`, or the one that comes with zsr for `scale` where it is empty. Throws
/// OptionError where there is none or it is for another scale, InputError, IoError.
FlowPrior load_prior(const std::string& file, Scale scale);

}  // namespace zsr::pipeline
