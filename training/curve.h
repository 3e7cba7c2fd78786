#pragma once

#include "training/trainer.h"

#include <string>

namespace zsr::training {

/// The log of a run as a picture: loss (left axis, logarithmic) and PSNR (right axis) over the steps. SVG.
std::string curve_svg(const TrainState& state, const std::string& title);

}  // namespace zsr::training
