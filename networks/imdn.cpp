#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

constexpr double kLeak = 0.05;

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
struct Block {
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
class Imdn : public Network {
 public:
  explicit Imdn(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "IMDN");
    const int64_t width = reader.size("fea_conv.weight", 0);
    first_ = Conv(reader.conv("fea_conv", width, 3, 3));
    const int64_t count = reader.count("IMDB", ".c1.weight", 1);
    for (int64_t i = 1; i <= count; ++i) {
      const std::string name = fmt::format("IMDB{}.", i);
      const int64_t kept = width / 4;
      const int64_t rest = width - kept;
      const int64_t squeezed = reader.size(name + "cca.conv_du.0.weight", 0);
      blocks_.push_back({Conv(reader.conv(name + "c1", width, width, 3), Follow::leaky(kLeak)),
                         Conv(reader.conv(name + "c2", width, rest, 3), Follow::leaky(kLeak)),
                         Conv(reader.conv(name + "c3", width, rest, 3), Follow::leaky(kLeak)),
                         Conv(reader.conv(name + "c4", kept, rest, 3)),
                         Conv(reader.conv(name + "c5", width, width, 1)),
                         {Conv(reader.conv(name + "cca.conv_du.0", squeezed, width, 1), Follow::relu()),
                          Conv(reader.conv(name + "cca.conv_du.2", width, squeezed, 1))},
                         kept});
    }
    gather_ = Conv(reader.conv("c.0", width, width * count, 1), Follow::leaky(kLeak));
    after_ = Conv(reader.conv("LR_conv", width, width, 3));
    scale_ = reader.shuffle_factor("upsampler.0", 3);
    last_ = Conv(reader.conv("upsampler.0", 3 * scale_ * scale_, width, 3));
    reader.finish();
    traits_.scales = {scale_};
    traits_.reach = Traits::kWholePhoto;
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor first = first_(input.image);
    std::vector<torch::Tensor> made;
    torch::Tensor x = first;
    for (const Block& block : blocks_) made.push_back(x = block(x));
    return torch::pixel_shuffle(last_(after_(gather_(torch::cat(made, 1))) + first), scale_);
  }

 private:
  int64_t scale_ = 1;
  Conv first_;
  std::vector<Block> blocks_;
  Conv gather_, after_, last_;
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
