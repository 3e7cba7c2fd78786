#pragma once

#include "pipeline/methods.h"

#include <deque>

namespace zsr::pipeline {

// One row of methods() each; a file of this folder holds how it runs.

Method zssr_method();
Method restore_method();
Method dip_method();
Method dip_fkp_method();
Method bicubic_method();
Method srmd_method();

/// A row for each network that enlarges photos by itself, in the order of the registry.
std::deque<Method> network_methods();

}  // namespace zsr::pipeline
