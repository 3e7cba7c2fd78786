#pragma once

#include "core/weights/weights_file.h"

#include <set>
#include <string>
#include <vector>

namespace zsr::networks {

/// Weight and bias (undefined where the file has none) of a convolution.
struct ConvWeights {
  torch::Tensor weight;
  torch::Tensor bias;
};

/// Takes a network's tensors out of a weights file and keeps account, so that a file that does not fit is refused with
/// its first differences and nothing is silently left over.
class WeightsReader {
 public:
  /// `network` names what is being read, for messages.
  WeightsReader(const WeightsFile& file, std::string network);

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  /// Length of a tensor along `dim`; 0 where there is no such tensor or dimension.
  int64_t size(const std::string& name, int64_t dim) const;
  /// Number of consecutive names from `first` on: "body." + i + suffix.
  int64_t count(const std::string& prefix, const std::string& suffix, int64_t first = 0, int64_t step = 1) const;

  /// The s of a convolution whose outputs become s x s pixels of `channels` each; a difference is noted where there is
  /// none.
  int64_t shuffle_factor(const std::string& conv, int64_t channels);

  /// float32 of that shape; zeros, and a difference noted, where the file has it otherwise.
  torch::Tensor take(const std::string& name, const std::vector<int64_t>& shape);
  /// name.weight [out, in, side, side] and, where the file has one, name.bias [out].
  ConvWeights conv(const std::string& name, int64_t out, int64_t in, int64_t side);
  /// Tensors whose names begin so belong to the file but not to inference.
  void ignore(const std::string& prefix);
  void difference(std::string text) { differences_.push_back(std::move(text)); }
  /// Throws InputError that lists the first differences and tensors left over.
  void finish() const;

 private:
  const WeightsFile& file_;
  std::string network_;
  std::set<std::string> taken_;
  std::vector<std::string> differences_;
};

/// The convolution that equals `conv` followed by the batch normalisation `name` (weight, bias, running_mean,
/// running_var; epsilon 1e-5).
ConvWeights merge_batch_norm(WeightsReader& reader, const std::string& name, const ConvWeights& conv);

}  // namespace zsr::networks
