#pragma once

#include "pipeline/request.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::pipeline {

/// Whether ZSSR begins at pretrained weights that zsr chose, so that it could begin at random ones instead.
bool has_own_start(const Request& request);

/// ZSSR's options for the request: its preset, the pretrained weights unless `from_scratch`, and what the request
/// names. Kernel and noise are left to photo_formation.h. Throws OptionError.
zssr::Options zssr_options(const Request& request, bool from_scratch = false);

/// Decides for the kernel, noise and phase in `options` which of zsr's pretrained weights serve, and whether training
/// steps help. Photos that bicubic interpolation made smaller, without noise and centred, begin at the weights of an
/// EDSR, which know nothing else and that better; there 60 steps give 0.05 dB on Set5 x2 for three times the time.
/// Where a kernel is given the photo's own patches are blurred twice, look unlike the photo, and do not show any more
/// whether steps help (Set5 under a Gaussian of 2 pixels: 36.38 dB without steps, 36.31 with 60). Steps that the
/// request names are taken.
void choose_start(const Request& request, zssr::Options& options);

/// Name of the weights for such bicubic photos, where zsr has some for the request; else empty.
std::string bicubic_start(const Request& request);

/// Every setting in use, for records.
nlohmann::json to_json(const zssr::Options& options);

}  // namespace zsr::pipeline
