#pragma once

#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// Note [Generators]
/// A generator is a network that makes sharp images look like those of another collection; it is trained without pairs
/// ('zsr train degradation'). It sees RGB in [0, 1], then `noise` maps of independent normal numbers, then, with
/// `grid`, four maps that say where a pixel stands in the 8x8 blocks of JPEG: cosine and sine of 2 pi (x + 1/2) / 8,
/// then of y. A convolution has neither by itself: from a smooth sky it makes no noise, and it cannot find a block's
/// edge. With 0 of both the networks are as published.

/// Which generator, and its configuration.
struct GeneratorShape {
  /// "dsgan" (Fritsche et al. 2019; the size stays), "high-to-low" (Bulat et al. 2018) or "cincgan" (Yuan et al. 2018).
  std::string architecture = "dsgan";
  int64_t width = 64;     ///< > 0. Channels.
  int64_t blocks = 8;     ///< > 0. Residual blocks; of high-to-low: at each size.
  int64_t noise = 0;      ///< 0 to 8. Noise maps.
  bool grid = false;      ///< Whether it sees where JPEG's blocks are.
  bool residual = false;  ///< dsgan: adds its result to the photo, instead of making the colours by a sigmoid.
  int64_t halvings = 0;   ///< 0 to 4. high-to-low, cincgan: convolutions of stride 2.
  int64_t doublings = 0;  ///< 0 to `halvings`. high-to-low: pixel shuffles after them.

  /// How many times smaller its result is.
  int64_t factor() const { return int64_t{1} << (halvings - doublings); }
  /// Maps behind the colours.
  int64_t maps() const { return noise + (grid ? 4 : 0); }
  /// Throws OptionError.
  void validate() const;
};

/// "dsgan", "high-to-low", "cincgan".
const std::vector<std::string>& generator_names();

/// Input [N, 3 + maps, h, w], result [N, 3, h / factor, w / factor], in [0, 1] but for what `residual` overshoots.
/// Parameter names of dsgan as in the authors' code. Throws OptionError as `validate`.
nn::Graph generator_graph(const GeneratorShape& shape);

/// The generator in `weights`, by names, shapes and remarks; empty where it holds none.
std::optional<GeneratorShape> find_generator(const WeightsFile& weights);

/// `image` [N, 3, h, w] with the maps of `shape` behind it. Noise follows `seed`; the grid begins at the first pixel.
torch::Tensor with_maps(const torch::Tensor& image, int64_t noise, bool grid, uint64_t seed);

}  // namespace zsr
