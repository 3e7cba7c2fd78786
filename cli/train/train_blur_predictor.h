#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// `zsr train blur-predictor`, and the help of `zsr train` alone. Returns the exit code.
int run_train_blur_predictor(const std::vector<std::string>& arguments);

}  // namespace zsr::cli
