#pragma once

#include "image/resize.h"
#include "pipeline/parameters/parameter_values.h"
#include "pipeline/trained.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// The size that a result is to have.
struct SizeWish {
  std::optional<Scale> scale;  ///< By how much to enlarge; empty: not said.
  bool exact = false;          ///< A trained network is to have that factor: no resampling.
  std::optional<Size> photo;   ///< Where a size was named: that of the photo,
  std::optional<Size> target;  ///< and that of the result.
  std::string text;            ///< The flag and value that named the size, for messages: "--width 1024".
};

/// What the method is to do so that the result has that size.
struct Factors {
  std::shared_ptr<const Trained> trained;  ///< The network that was named, by its method or its weights; or null.
  Scale scale{2.0, 2.0};                   ///< By which the method enlarges, each time.
  int64_t passes = 1;
  std::optional<Scale> target_scale;  ///< The result is resampled to so many times the photo.
};

/// `method`: one of methods() or "auto", which takes whatever network `weights` are. Without a wish x2, or a network's
/// only factor. Throws OptionError where there is no such method or the network cannot do it, InputError, IoError.
Factors choose_factors(const std::string& method, const std::string& weights, const std::string& pca,
                       const SizeWish& wish);

/// By how much a photo grows that becomes `target`, on the axis where it grows most.
double growth(Size photo, Size target);

/// How a method that has only `factors` makes a photo `needed` times as large: by the smallest factor that is large
/// enough, else by the largest again and again. The rest is resampled.
struct Passes {
  int64_t factor = 2;
  int64_t count = 1;
};
/// `factors` ascending, not empty. `repeats`: the method may be applied to its own result; else one pass.
Passes passes_for(double needed, const std::vector<int64_t>& factors, bool repeats);

/// Where no method is named, its flags choose the restoration, and so does a result of the photo's own size, which no
/// other method has. Returns what chose it, for messages; nothing where it was not chosen.
std::optional<std::string> restoration_chosen_by(const ParameterValues& values, bool same_size);

}  // namespace zsr::pipeline
