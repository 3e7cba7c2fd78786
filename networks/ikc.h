#pragma once

#include "nn/weights/weights_file.h"

#include <string>
#include <vector>

namespace zsr::networks {

/// IKC's weights are published as three files. Which of its networks `weights` holds: "SFTMD", "Predictor" or
/// "Corrector"; empty: none of them.
std::string part_of_ikc(const WeightsFile& weights);

/// The three files, in any order, as the one that zsr reads. Throws InputError that names a file which is no part of
/// IKC, and a part that is missing or there twice.
WeightsFile join_ikc(const std::vector<WeightsFile>& files);

}  // namespace zsr::networks
