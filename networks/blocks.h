#pragma once

#include "networks/config.h"
#include "nn/graph.h"

#include <map>
#include <string>
#include <vector>

namespace zsr::networks {

// What several networks are built of.

/// Channel attention: what the channels of an image are weighed by, from one `summary` value a channel [N, C, 1, 1].
/// 1x1 convolutions "<name>.0" and "<name>.2".
nn::Value channel_weights(nn::Graph& graph, nn::Value summary, const std::string& name, int64_t squeezed);

/// Mean and standard deviation over the whole image, added: what IMDN's channel attention sees.
nn::Value contrast(nn::Graph& graph, nn::Value x);

/// Blueprint separable convolution: 1x1 without biases, then 3x3 of each channel by itself. "<name>.pw", "<name>.dw".
nn::Value blueprint_conv(nn::Graph& graph, const std::string& name, nn::Value x, int64_t out,
                         nn::Graph::ConvOptions options = {});

/// Enhanced spatial attention (Liu, Zhang, Wang and Luo 2020): a mask computed at a sixth of the size.
struct SpatialAttention {
  int64_t few = 16;                          ///< Channels inside.
  std::vector<std::string> middle;           ///< Names of the convolutions behind the pooling.
  nn::Curve curve = nn::Curve::kRelu;        ///< Between them.
  bool blueprint = false;                    ///< 3x3 convolutions are blueprint separable ones.
  static constexpr int64_t kLeastSide = 16;  ///< Under which the mask has no pixel.
};
nn::Value spatial_attention(nn::Graph& graph, nn::Value x, const std::string& name, const SpatialAttention& options);

/// EDSR's enlargement, doublings or one step by 3: convolutions "<prefix>0", "<prefix>2", ... and pixel shuffles, to
/// images of `width` channels (0: as `x` has).
nn::Value shuffled_up(nn::Graph& graph, nn::Value x, const std::string& prefix, int64_t scale, int64_t width = 0);
/// The scale of such convolutions in a file.
int64_t shuffled_scale(const FileShapes& shapes, const std::string& prefix, int64_t width);

/// Layers used more than once: the first call of a name makes the parameters, later ones share them.
class SharedLayers {
 public:
  explicit SharedLayers(nn::Graph& graph) : graph_(graph) {}
  nn::Value conv(const std::string& name, nn::Value x, int64_t out, nn::Graph::ConvOptions options = {});
  nn::Value transposed_conv(const std::string& name, nn::Value x, int64_t out, nn::Convolution options);
  nn::Value prelu(const std::string& name, nn::Value x, int64_t slopes = 1);

 private:
  nn::Graph& graph_;
  std::map<std::string, nn::Value> first_;
};

}  // namespace zsr::networks
