#pragma once

#include "nn/weights/weights_file.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zsr::networks {

/// A number of an architecture's configuration that a user can choose: a flag of `zsr train`, and a remark in the
/// weights files that it writes.
struct Field {
  std::string name;     ///< E.g. "blocks".
  std::string meaning;  ///< For help texts.
  double published;     ///< As in the paper.
  double low;
  double high;
  int64_t multiple = 1;  ///< 0: any number; else a whole number, a multiple of it.
};

/// The configuration of one network: what its graph is built from.
class Config {
 public:
  std::vector<int64_t> scales;  ///< Rising.
  int64_t channels = 3;         ///< Of the photo: 3 = RGB, 1 = luma; of networks that exist for both.
  std::string naming;           ///< Which published code the parameter names follow; empty for the usual one.

  Config& set(const std::string& name, double value);
  /// Throws std::logic_error for a field that was never set.
  double number(const std::string& name) const;
  int64_t whole(const std::string& name) const;
  const std::map<std::string, double>& numbers() const { return numbers_; }

  /// Remarks for a weights file: "network", "scales" and all fields.
  std::map<std::string, std::string> to_metadata(const std::string& network) const;

 private:
  std::map<std::string, double> numbers_;
};

/// Reads names and shapes of a weights file.
class FileShapes {
 public:
  explicit FileShapes(const WeightsFile& file) : file_(file) {}
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  /// Length of a tensor along `dim`; 0 where there is no such tensor or dimension.
  int64_t size(const std::string& name, int64_t dim) const;
  /// Number of consecutive names from `first` on: prefix + i + suffix.
  int64_t count(const std::string& prefix, const std::string& suffix, int64_t first = 0, int64_t step = 1) const;
  /// Channels of the photo by the first convolution: 1 where it has one input, else 3.
  int64_t photo_channels(const std::string& first_conv) const { return size(first_conv + ".weight", 1) == 1 ? 1 : 3; }
  /// The s of a convolution whose outputs become s x s pixels of `channels` each; 0 where there is none.
  int64_t shuffle_factor(const std::string& conv, int64_t channels) const;
  /// A number that stands in the file's remarks.
  double remark(const std::string& name, double otherwise) const;

 private:
  const WeightsFile& file_;
};

}  // namespace zsr::networks
