#pragma once

#include "degradations/learned/generator.h"
#include "nn/model.h"

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace zsr {

/// A degradation that was learned from photos: a generator with its weights.
class LearnedDegradation {
 public:
  /// Throws IoError, and InputError for a file that holds no generator.
  explicit LearnedDegradation(const std::filesystem::path& path);

  const std::string& sha256() const { return sha256_; }
  const GeneratorShape& shape() const { return shape_; }
  /// The scale between sharp and small images that it was trained for; 0 where the file does not say.
  int64_t scale() const { return scale_; }
  /// `image` [1, 3, h, w] in [0, 1], its sides multiples of the generator's factor -> [1, 3, h / factor, w / factor],
  /// clipped to [0, 1]. `seed`: of its noise. Large images go through in bands, which does not change the result by
  /// more than rounding. Throws InputError for an image of other channels.
  torch::Tensor apply(const torch::Tensor& image, uint64_t seed) const;

 private:
  std::string path_;
  std::string sha256_;
  GeneratorShape shape_;
  int64_t scale_ = 0;
  int64_t reach_ = 0;
  std::unique_ptr<nn::Model> model_;
  torch::Tensor parameters_;
};

/// The degradation in the file at `path`, read once and kept. `sha256`: what the file must still hold, or empty.
/// Throws as the constructor, and InputError where the file has changed.
std::shared_ptr<const LearnedDegradation> learned_degradation(const std::string& path, const std::string& sha256);

}  // namespace zsr
