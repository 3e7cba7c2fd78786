#pragma once

#include "nn/weights/weights_file.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace zsr {

/// Weights of an ncnn model of convolutions and PReLUs: `param` is the text that describes the layers, `bin` the
/// values, half (Note [Cut halves]) or single precision. Tensors are called after their layers ("Conv_0.weight",
/// "Conv_0.bias", "PRelu_1.weight"), weights as [out, in, height, width]. Throws InputError naming `origin` for layers
/// with weights that it does not know, quantised values and sizes that do not fit.
WeightsFile parse_ncnn(std::string_view param, std::string_view bin, const std::string& origin);

/// The same from FILE.param or FILE.bin, the other lying beside it.
WeightsFile read_ncnn(const std::filesystem::path& path);

}  // namespace zsr
