#pragma once

#include "nn/weights/weights_file.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zsr::training {

/// Note [Deep Compression]
/// SqueezeNet 1.0 (Iandola et al. 2016) was published as a file of 0.7 MB, pruned and quantised by Deep Compression
/// (Han et al. 2016). All numbers are little-endian. The file begins with one uint32 per layer, the number n of stored
/// codes. Each layer follows with: a codebook of 256 float32, one float32 bias per output channel, n codes of one byte,
/// and n gaps of four bits, the low half of a byte first, in (n + 1) / 2 bytes. The weights are one array [out, in,
/// height, width]; code i stands `gap + 1` places after code i - 1 (the first at place `gap`), and all other weights
/// are 0. Code 0 is a weight of 0: it only bridges distances that four bits cannot hold.

/// One convolution of SqueezeNet 1.0, with a square filter.
struct SqueezeNetLayer {
  std::string name;  ///< "conv1", "fire2.squeeze", "fire2.expand1", "fire2.expand3", ..., "conv10".
  int64_t out = 0;   ///< Output channels.
  int64_t in = 0;    ///< Input channels.
  int64_t side = 0;  ///< Filter width and height.

  std::vector<int64_t> shape() const { return {out, in, side, side}; }
  int64_t weight_count() const { return out * in * side * side; }
};

/// Its 26 convolutions in the order of the file.
const std::vector<SqueezeNetLayer>& squeezenet_layers();

/// No valid file is larger.
constexpr size_t kMaxSqueezeNetBytes = size_t{2} << 20;

/// Whether `bytes` begins like such a file: its counts fit the layers. The rest may still be damaged.
bool is_squeezenet(std::string_view bytes);

/// Decodes a whole file, see Note [Deep Compression], into float32 tensors "<layer>.weight" [out, in, height, width]
/// and
/// "<layer>.bias" [out]. Throws InputError naming `origin` for a foreign or damaged file.
WeightsFile parse_squeezenet(std::string_view bytes, const std::string& origin);

}  // namespace zsr::training
