#include "networks/all_kinds.h"
#include "networks/distillation.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <utility>

namespace zsr::networks {
namespace {

// Contrast-aware channel attention: channels weighed by the sum of their mean and deviation over the whole photo.
struct ContrastAttention {
  Conv down, up;
  torch::Tensor operator()(const torch::Tensor& image) const {
    const torch::Tensor mean = image.mean({2, 3}, true);
    const torch::Tensor deviation = (image - mean).square().mean({2, 3}, true).sqrt();
    return image * torch::sigmoid(up(down(mean + deviation)));
  }
};

// Information multi-distillation block: after each convolution a quarter of the channels is kept, the rest goes on.
struct InformationBlock {
  Conv c1, c2, c3, c4, c5;
  ContrastAttention attention;
  int64_t kept = 0;
  torch::Tensor operator()(const torch::Tensor& image) const {
    const torch::Tensor a = c1(image);
    const torch::Tensor b = c2(a.slice(1, kept));
    const torch::Tensor c = c3(b.slice(1, kept));
    const torch::Tensor d = c4(c.slice(1, kept));
    const auto first = [&](const torch::Tensor& t) { return t.slice(1, 0, kept); };
    return c5(attention(torch::cat({first(a), first(b), first(c), d}, 1))) + image;
  }
};

/// IMDN (Hui, Gao, Yang and Wang, ACM MM 2019).
class Imdn : public Distillation {
 public:
  explicit Imdn(const WeightsFile& weights) {
    WeightsReader reader(weights, "IMDN");
    const int64_t width = reader.size("fea_conv.weight", 0);
    const int64_t count = reader.count("IMDB", ".c1.weight", 1);
    std::vector<Block> blocks;
    for (int64_t i = 1; i <= count; ++i) {
      const std::string name = fmt::format("IMDB{}.", i);
      const int64_t kept = width / 4;
      const int64_t rest = width - kept;
      const int64_t squeezed = reader.size(name + "cca.conv_du.0.weight", 0);
      blocks.emplace_back(
          InformationBlock{Conv(reader.conv(name + "c1", width, width, 3), Follow::leaky(kLeak)),
                           Conv(reader.conv(name + "c2", width, rest, 3), Follow::leaky(kLeak)),
                           Conv(reader.conv(name + "c3", width, rest, 3), Follow::leaky(kLeak)),
                           Conv(reader.conv(name + "c4", kept, rest, 3)),
                           Conv(reader.conv(name + "c5", width, width, 1)),
                           {Conv(reader.conv(name + "cca.conv_du.0", squeezed, width, 1), Follow::relu()),
                            Conv(reader.conv(name + "cca.conv_du.2", width, squeezed, 1))},
                           kept});
    }
    read_around(reader, std::move(blocks), width);
    reader.finish();
    traits_.reach = Traits::kWholePhoto;
  }
};

}  // namespace

Kind imdn() {
  return {"imdn", "IMDN (Hui et al. 2019)",
          [](const WeightsFile& weights) {
            return weights.find("IMDB1.c1.weight") != nullptr &&
                   weights.find("IMDB1.cca.conv_du.0.weight") != nullptr && weights.find("fea_conv.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Imdn>(weights); }};
}

}  // namespace zsr::networks
