#pragma once

#include "pipeline/develop.h"
#include "pipeline/request.h"
#include "pipeline/upscale.h"

namespace zsr::pipeline {

/// Whether a Bayer mosaic is enlarged while it is demosaiced, which is better than afterwards (raw/README.md): at x2,
/// where nothing is asked of a method and the result is neither resampled nor mended.
bool enlarges_mosaic(const Request& request);

/// How a camera raw file is developed for `request`: its noise is taken out while it is demosaiced, unless a trained
/// network that is conditioned on noise was named. `resampled`: the result gets a size of its own.
DevelopRequest develop_request(const Request& request, bool resampled);

/// What is left to do after that: where the user named no noise, the noise level for a network that gets the photo with
/// its noise, else none; scale 1 where develop() enlarged.
Request request_after(Request request, const Developed& developed);

/// A photo that develop() enlarged, in the form of upscale()'s results.
Outcome outcome_of(Developed developed);

}  // namespace zsr::pipeline
