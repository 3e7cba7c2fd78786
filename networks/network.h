#pragma once

#include "degradations/kernel.h"
#include "networks/condition.h"
#include "networks/restorer.h"

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zsr::networks {

/// What a network wants and gives; read from its weights.
struct Traits {
  /// Result depends on pixels at any distance (attention over the whole photo): tiles would not equal the whole.
  static constexpr int64_t kWholePhoto = -1;

  std::vector<int64_t> scales;  ///< Factors it enlarges by, rising; empty = any (from 1 where it takes a kernel).
  int64_t channels = 3;         ///< 3 = RGB, 1 = luma (BT.601, 16 to 235 of 255).
  int64_t reach = 0;            ///< Input pixels to each side that a result depends on, or kWholePhoto.
  int64_t least_side = 1;       ///< Smaller images are continued by their edge pixels first.
  int64_t multiple_of = 1;      ///< Likewise where sides are not multiples of this.
  double pixel_bytes = 0.0;     ///< Memory for each pixel of the input; 0 = not known.
  double pair_bytes = 0.0;      ///< Memory for each pair of the input's pixels (attention of all to all).
  bool takes_enlarged = false;  ///< Its input is the photo already enlarged by cubic interpolation.
  bool takes_kernel = false;    ///< It uses Input::kernel and Input::noise.
  bool any_scale = false;       ///< It enlarges by any number from 1 on, to Input::grid; `scales` is empty then.
  /// It draws the result pixel by pixel by Input::seed and is trained by the likelihood of levels
  /// (networks/pixel_recursive.h); nothing around the photo matters to it.
  bool pixel_by_pixel = false;
  bool gives_residual = false;  ///< It makes what the cubically enlarged photo lacks.
  /// From Y'CbCr of BT.709, codes of 8 bits / 255, to Y'CbCr of BT.2020 behind the PQ curve, codes of 10 bits / 1023,
  /// both in studio range.
  bool gives_hdr = false;
  /// Maps that it sees behind the colours; with kDamage they are made of Input::damage, else the caller gives
  /// Input::maps.
  Condition condition = Condition::kNone;
};

/// The pixels of a result at any scale, the same along both axes: pixel (i, j), counted from the upper left one, begins
/// at row (i - top) / scale and column (j - left) / scale of the input, whose pixels are 1 wide.
struct OutputGrid {
  double scale = 2.0;  ///< >= 1.
  int64_t height = 0;
  int64_t width = 0;
  double top = 0.0;
  double left = 0.0;
};

/// What a network sees.
struct Input {
  torch::Tensor image;               ///< [1, C, h, w] float32 in [0, 1], C = Traits::channels.
  int64_t scale = 2;                 ///< One of Traits::scales; 1 where it takes the enlarged photo.
  std::optional<BlurKernel> kernel;  ///< Of the photo, for `scale`, aligned; only for takes_kernel, and there needed.
  double noise = 0.0;                ///< Standard deviation in [0, 1] units.
  /// The photo was blurred with periodic boundaries, as benchmarks are made; only for takes_kernel.
  bool circular = false;
  Damage damage{};                   ///< Only for Condition::kDamage.
  torch::Tensor maps{};              ///< [1, K, 1, 1] or [1, K, h, w]: only for the other conditions, and there needed.
  std::optional<OutputGrid> grid{};  ///< Only for any_scale; empty there: by `scale`.
  uint64_t seed = 0;                 ///< Only for pixel_by_pixel: the same seed, the same result.
};

/// A trained network for inference, on the device where its input is.
class Network {
 public:
  virtual ~Network() = default;
  const Traits& traits() const { return traits_; }
  /// The weights' file or name, for messages.
  const std::string& origin() const { return origin_; }
  void set_origin(std::string origin) { origin_ = std::move(origin); }
  /// [1, C, s h, s w] float32, not clamped.
  virtual torch::Tensor forward(const Input& input) const = 0;

 protected:
  explicit Network(Traits traits) : traits_(std::move(traits)) {}
  Traits traits_;

 private:
  std::string origin_ = "the weights";
};

}  // namespace zsr::networks
