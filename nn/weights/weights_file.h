#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

namespace zsr {

/// One tensor of a weights file, on the CPU, contiguous, in the file's own type.
struct NamedTensor {
  std::string name;
  torch::Tensor tensor;
};

/// What a weights file holds: tensors in the file's order and, where the format has them, remarks.
struct WeightsFile {
  std::string origin;  ///< Path or name, for messages.
  std::string format;  ///< E.g. "safetensors" or "PyTorch (zip)".
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of that name, null when there is none.
  const torch::Tensor* find(const std::string& name) const;
  /// The tensor of that name as contiguous float32. Throws InputError naming the file when it is missing, has another
  /// shape or holds values that are not finite.
  torch::Tensor take(const std::string& name, at::IntArrayRef shape) const;
  /// Floating-point tensors as 16-bit ones; those with a number beyond their range (65504) stay as they are.
  void halve();
  /// Sum of the elements of all tensors.
  int64_t parameter_count() const;
};

}  // namespace zsr
