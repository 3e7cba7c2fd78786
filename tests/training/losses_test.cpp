#include "training/losses.h"

#include "core/error.h"
#include "tests/training/support.h"
#include "training/adversary.h"
#include "training/features.h"
#include "training/schedule.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cmath>

namespace zsr::training {
namespace {

TEST(Schedule, RisesThenFalls) {
  ScheduleOptions options{.name = "cosine", .steps = 1000, .warm_up = 100, .floor = 0.1};
  EXPECT_NEAR(rate_share(options, 0), 0.01, 1e-3);
  EXPECT_NEAR(rate_share(options, 500), 0.55, 1e-9);
  EXPECT_NEAR(rate_share(options, 1000), 0.1, 1e-9);
  options.name = "steps";
  options.warm_up = 0;
  EXPECT_EQ(rate_share(options, 499), 1.0);
  EXPECT_EQ(rate_share(options, 500), 0.5);
  EXPECT_EQ(rate_share(options, 999), 1.0 / 16.0);
  options.name = "sine";
  EXPECT_THROW(options.validate(), OptionError);
}

TEST(Losses, EqualTheirFormulas) {
  const torch::Tensor made = torch::tensor({{0.0F, 0.5F}, {1.0F, 0.5F}}).view({1, 1, 2, 2});
  const torch::Tensor target = torch::tensor({{0.0F, 0.25F}, {0.0F, 0.5F}}).view({1, 1, 2, 2});
  const torch::Tensor input = torch::full({1, 1, 1, 1}, 0.25F);
  const auto value = [&](const char* text) {
    return total_loss(parse_losses(text), {}, made, target, input).item<double>();
  };
  EXPECT_NEAR(value("l1"), 1.25 / 4.0, 1e-6);
  EXPECT_NEAR(value("l2"), (1.0 + 0.0625) / 4.0, 1e-6);
  EXPECT_NEAR(value("charbonnier"), (2.0 * 1e-3 + std::sqrt(0.0625 + 1e-6) + std::sqrt(1.0 + 1e-6)) / 4.0, 1e-6);
  EXPECT_NEAR(value("tv"), (1.0 + 0.0) / 2.0 + (0.5 + 0.5) / 2.0, 1e-6);
  EXPECT_NEAR(value("l1:2,tv:0.1"), 0.625 + 0.1, 1e-6);
  EXPECT_NEAR(value("cycle"), 0.25, 1e-5);  // half of a size that covers the whole image is its mean
  EXPECT_THROW(value("content"), OptionError);
  EXPECT_THROW(value("adversarial"), OptionError);
  const auto by_sum = parse_losses("1*l1+0.01*tv");
  const auto by_list = parse_losses("l1:1,tv:0.01");
  ASSERT_EQ(by_sum.size(), 2);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(by_sum[i].name, by_list[i].name);
    EXPECT_EQ(by_sum[i].weight, by_list[i].weight);
  }
  for (const char* const wrong : {"", "l3", "l1:0", "l1:x", "l1:1x", "0*l1", "l1*2", "2*", "1*l1++tv"})
    EXPECT_THROW(parse_losses(wrong), OptionError);
}

// A VGG network of random weights, as torchvision names it, down to the second block.
WeightsFile small_vgg() {
  torch::manual_seed(6);
  WeightsFile file{"vgg", "test", {}, {}};
  const std::vector<std::array<int64_t, 3>> layers = {{0, 3, 64}, {2, 64, 64}, {5, 64, 128}, {7, 128, 128}};
  for (const auto& [place, in, out] : layers) {
    const std::string name = "features." + std::to_string(place);
    file.tensors.push_back({name + ".weight", torch::randn({out, in, 3, 3}) * std::sqrt(2.0 / (9.0 * in))});
    file.tensors.push_back({name + ".bias", 0.1 * torch::randn({out})});
  }
  return file;
}

TEST(VggFeatures, LookThroughTheLayersOneByOne) {
  const WeightsFile vgg = small_vgg();
  const torch::Tensor a = torch::rand({2, 3, 16, 16});
  const torch::Tensor b = torch::rand({2, 3, 16, 16});
  const auto look = [&](const torch::Tensor& image) {
    const auto conv = [&](const torch::Tensor& x, int64_t i) {
      return torch::conv2d(x, vgg.tensors[2 * i].tensor, vgg.tensors[2 * i + 1].tensor, 1, 1);
    };
    torch::Tensor x = (image - torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1})) /
                      torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
    x = torch::relu(conv(torch::relu(conv(x, 0)), 1));
    return conv(torch::relu(conv(torch::max_pool2d(x, 2), 2)), 3);
  };
  const VggFeatures features(vgg, "conv2_2");
  EXPECT_NEAR(features.distance(a, b).item<double>(), (look(a) - look(b)).abs().mean().item<double>(), 1e-4);
  EXPECT_EQ(features.distance(a, a).item<double>(), 0.0);
  EXPECT_THROW(VggFeatures(vgg, "conv2_3"), InputError);
  EXPECT_THROW(VggFeatures(vgg, "conv3_1"), InputError);
  EXPECT_THROW(VggFeatures(vgg, "relu2_2"), OptionError);
}

TEST(Adversary, LearnsToTellAndTeaches) {
  for (const char* const network : {"unet", "patch"}) {
    for (const char* const kind : {"vanilla", "ls"}) {
      Random random(3);
      Adversary adversary({.network = network, .loss = kind, .width = 8, .learning_rate = 2e-3}, random);
      torch::manual_seed(7);
      double first = 0.0;
      double value = 0.0;
      for (int step = 0; step < 60; ++step) {
        const torch::Tensor made = torch::rand({2, 3, 32, 32});                       // noise
        const torch::Tensor real = torch::rand({2, 3, 1, 1}).expand({2, 3, 32, 32});  // flat
        adversary.step(adversary.gradient(made, real, value), 1.0);
        if (step == 0) first = value;
      }
      EXPECT_LT(value, 0.7 * first) << network << " " << kind;
      // Steps of an image along its slope make it look more real.
      torch::Tensor image = torch::rand({1, 3, 32, 32}).requires_grad_();
      const double before = adversary.judge(image.detach()).mean().item<double>();
      adversary.loss_of(image).backward();
      const torch::Tensor moved = image.detach() - 0.05 * image.grad().sign();
      EXPECT_GT(adversary.judge(moved).mean().item<double>(), before) << network << " " << kind;
    }
  }
  EXPECT_THROW(AdversaryOptions{.network = "vgg"}.validate(), OptionError);
  EXPECT_THROW(AdversaryOptions{.loss = "hinge"}.validate(), OptionError);
}

}  // namespace
}  // namespace zsr::training
