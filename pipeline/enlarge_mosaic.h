#pragma once

#include "pipeline/develop.h"
#include "pipeline/request.h"
#include "pipeline/upscale.h"

namespace zsr::pipeline {

/// Whether a Bayer mosaic is enlarged while it is demosaiced, which is better than afterwards (raw/README.md): at x2,
/// where nothing is asked of a method and the result is neither resampled nor mended.
bool enlarges_mosaic(const Request& request);

/// A photo that develop() enlarged, in the form of upscale()'s results.
Outcome outcome_of(Developed developed);

}  // namespace zsr::pipeline
