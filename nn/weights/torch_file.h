#pragma once

#include "nn/weights/weights_file.h"

#include <string>
#include <string_view>

namespace zsr {

/// Weights as torch.save writes them, in its zip format (PyTorch 1.6 on) or the older one (five pickles and the
/// storages behind them); see Note [Pickles]. The file may hold the dictionary of tensors itself or, as training
/// scripts save it, under params_ema, params, state_dict, model, ...; "module." in front of every name is taken off.
/// Throws InputError naming `origin`: damaged, a whole Python model, a TorchScript archive, no tensors.
WeightsFile parse_torch_zip(std::string_view bytes, const std::string& origin);
WeightsFile parse_torch_legacy(std::string_view bytes, const std::string& origin);

}  // namespace zsr
