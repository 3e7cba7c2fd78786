#include "kernelgan/kernelgan.h"

#include "core/error.h"
#include "degradations/kernel_analysis.h"
#include "kernelgan/constraints.h"
#include "kernelgan/crops.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/generator.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace zsr::kernelgan {
namespace {

using test::max_difference;

torch::Tensor patch(int64_t channels, int64_t side, uint64_t seed = 1) {
  return test::texture(channels, side, side, seed).mul(2.0).sub(1.0);
}

// The network as published: six convolutions one after the other, 64 channels between, the last with stride 2.
torch::Tensor layer_by_layer(const Generator& generator, const torch::Tensor& image) {
  torch::Tensor x = image.view({image.size(1), 1, image.size(2), image.size(3)});
  for (size_t i = 0; i < 6; ++i) x = torch::conv2d(x, generator.parameters()[i], {}, i == 5 ? 2 : 1);
  return x.view({1, image.size(1), x.size(2), x.size(3)});
}

TEST(Generator, ComposedKernelEqualsTheLayersInOutputAndGradients) {
  Random random(3);
  Generator generator(random, torch::kFloat64);
  EXPECT_EQ(generator.parameters().count(), Generator::kParameters);
  const torch::Tensor image = patch(3, 64).to(torch::kFloat32).to(torch::kFloat64).contiguous();
  const GeneratorPatch source(image);
  const Generator::Composition composition = generator.compose();
  const torch::Tensor composed = source.shrunken(composition.kernel);
  const torch::Tensor layers = layer_by_layer(generator, image);
  ASSERT_EQ(composed.sizes(), (std::vector<int64_t>{1, 3, 26, 26}));
  const double size = layers.abs().max().item<double>();
  EXPECT_GT(size, 0.0);
  EXPECT_LT(max_difference(composed, layers), 1e-12 * size);
  const torch::Tensor weight = torch::randn(layers.sizes(), torch::kFloat64);
  const auto leaves = generator.parameters().leaves();
  const torch::Tensor flat = generator.gradient(composition, source.kernel_gradient(weight));
  const auto wanted = torch::autograd::grad({(layers * weight).sum()}, leaves);
  int64_t at = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const torch::Tensor own = flat.narrow(0, at, leaves[i].numel()).view(leaves[i].sizes());
    EXPECT_LT(max_difference(own, wanted[i]), 1e-10 * wanted[i].abs().max().item<double>()) << "layer " << i;
    at += leaves[i].numel();
  }
  EXPECT_EQ(at, flat.numel());
}

TEST(Discriminator, HasThePublishedSizeAndAnswersBetweenZeroAndOne) {
  Random random(4);
  Discriminator discriminator(3, random);
  EXPECT_EQ(discriminator.parameters().count(), 30977);
  const torch::Tensor map = discriminator.forward(patch(3, 26).to(torch::kFloat32).contiguous()).map;
  EXPECT_EQ(map.numel(), Discriminator::kMap * Discriminator::kMap);
  EXPECT_GT(map.min().item<double>(), 0.0);
  EXPECT_LT(map.max().item<double>(), 1.0);
}

// The same network by LibTorch's own operations in double precision, with the singular vectors of the pass.
torch::Tensor by_autograd(const std::vector<torch::Tensor>& p, const Discriminator::Pass& pass,
                          const torch::Tensor& input) {
  torch::Tensor x = input;
  for (size_t i = 0; i < 7; ++i) {
    const size_t place = i == 0 ? 0 : 2 + (i - 1) * 4;
    const torch::Tensor matrix = p[place].view({p[place].size(0), -1});
    const torch::Tensor u = torch::tensor(pass.normalized_weights.left[i], torch::kFloat64);
    const torch::Tensor v = torch::tensor(pass.normalized_weights.right[i], torch::kFloat64);
    const torch::Tensor weight = p[place] / torch::dot(u, torch::mv(matrix, v));
    x = torch::conv2d(x, weight, p[place + 1]);
    if (i == 0 || i == 6) continue;
    x = torch::relu(torch::batch_norm(x, p[place + 2], p[place + 3], {}, {}, true, 0.1, 1e-5, false));
  }
  return torch::sigmoid(x).view({-1});
}

TEST(Discriminator, HandWrittenPassesEqualAutogradInDoublePrecision) {
  for (const int64_t channels : {1, 3}) {
    Random random(5);
    Discriminator discriminator(channels, random);
    const torch::Tensor image = patch(channels, 26).to(torch::kFloat32).contiguous();
    for (int i = 0; i < 3; ++i) discriminator.forward(image);
    const Discriminator::Pass pass = discriminator.forward(image);
    std::vector<torch::Tensor> exact;
    for (const torch::Tensor& leaf : discriminator.parameters().leaves()) {
      exact.push_back(leaf.detach().to(torch::kFloat64).requires_grad_());
    }
    const torch::Tensor input = image.to(torch::kFloat64).requires_grad_();
    const torch::Tensor map = by_autograd(exact, pass, input);
    EXPECT_LT(max_difference(pass.map.to(torch::kFloat64), map), 1e-5);
    const torch::Tensor slope = torch::randn({400});
    std::vector<torch::Tensor> wanted = exact;
    wanted.push_back(input);
    const auto gradients = torch::autograd::grad({(map * slope.to(torch::kFloat64)).sum()}, wanted);
    const torch::Tensor at_input = discriminator.input_gradient(pass, slope).to(torch::kFloat64);
    EXPECT_LT(max_difference(at_input, gradients.back()), 1e-4 * gradients.back().abs().max().item<double>());
    const torch::Tensor flat = discriminator.parameter_gradient(pass, slope).to(torch::kFloat64);
    int64_t at = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      const torch::Tensor own = flat.narrow(0, at, exact[i].numel()).view(exact[i].sizes());
      // A bias that a batch normalisation takes out again has no gradient, only rounding.
      const double size = gradients[i].abs().max().item<double>();
      EXPECT_LT(max_difference(own, gradients[i]), size < 1e-10 ? 2e-4 : 1e-4 * size) << "parameter " << i;
      at += exact[i].numel();
    }
  }
}

TEST(Schedule, FollowsThePublishedRules) {
  Schedule schedule;
  for (int64_t step = 0; step < 200; ++step) schedule.update(step, 1.0);
  EXPECT_EQ(schedule.weights().bicubic, 5.0);
  for (int64_t step = 200; step < 400; ++step) schedule.update(step, 0.1);
  EXPECT_EQ(schedule.weights().bicubic, 5.0);
  schedule.update(400, 0.1);
  EXPECT_DOUBLE_EQ(schedule.weights().bicubic, 0.05);
  EXPECT_EQ(schedule.weights().sparse, 0.0);
  for (int64_t step = 401; step <= 600; ++step) schedule.update(step, 9.0);
  EXPECT_DOUBLE_EQ(schedule.weights().bicubic, 5e-4);
  EXPECT_EQ(schedule.weights().centralized, 1.0);
  EXPECT_EQ(schedule.weights().sparse, 5.0);
  for (int64_t step = 601; step <= 1500; ++step) schedule.update(step, 9.0);
  EXPECT_EQ(schedule.weights().bicubic, 5e-6);
  EXPECT_NEAR(schedule.learning_rate(), 2e-6, 1e-12);
}

// The terms as the paper and the authors' code have them, for autograd in double precision.
torch::Tensor constraints_by_autograd(const torch::Tensor& kernel, const ConstraintWeights& weights) {
  const torch::Tensor line = torch::arange(13, torch::kFloat64);
  const torch::Tensor g = torch::exp(-0.5 * ((line - 6).square().unsqueeze(1) + (line - 6).square()) / 169.0);
  torch::Tensor mask = 30.0 * (1.0 - g / g.max());
  mask.slice(0, 2, 11).slice(1, 2, 11).zero_();
  const torch::Tensor y = (kernel.sum(1) * line).sum() / kernel.sum();
  const torch::Tensor x = (kernel.sum(0) * line).sum() / kernel.sum();
  return weights.sum_to_one * (kernel.sum() - 1.0).abs() + weights.boundaries * (kernel * mask).abs().mean() +
         weights.centralized * 0.5 * ((y - 6.5).square() + (x - 6.5).square()) +
         weights.sparse * kernel.abs().pow(0.2).mean();
}

TEST(Constraints, ValuesAndSlopesEqualAutogradInDoublePrecision) {
  const torch::Tensor image = patch(3, 64).to(torch::kFloat32).contiguous();
  const GeneratorPatch source(image);
  torch::manual_seed(6);
  const torch::Tensor kernel = (torch::rand({13, 13}, torch::kFloat64) - 0.2).div_(40.0).requires_grad_();
  const torch::Tensor single = kernel.detach().to(torch::kFloat32);
  const torch::Tensor output = source.shrunken(single);
  const torch::Tensor reference = source.shrunken(bicubic_reference_kernel());
  for (const bool late : {false, true}) {
    ConstraintWeights weights;
    if (late) weights = {.bicubic = 0.05, .centralized = 1.0, .sparse = 5.0};
    const ConstraintLoss loss = constraint_loss(kernel.detach(), output, reference, weights);
    const torch::Tensor wanted = constraints_by_autograd(kernel, weights);
    const torch::Tensor slope = torch::autograd::grad({wanted}, {kernel})[0];
    EXPECT_LT(max_difference(loss.kernel_gradient.to(torch::kFloat64), slope), 1e-6 * slope.abs().max().item<double>());
    EXPECT_NEAR(loss.total, wanted.item<double>() + weights.bicubic * loss.bicubic, 1e-6 * std::abs(loss.total));
    EXPECT_NEAR(loss.bicubic, (output - reference).square().mean().item<double>(), 1e-6);
    EXPECT_LT(max_difference(loss.output_gradient, (output - reference) * (2.0 * weights.bicubic / output.numel())),
              1e-7);
  }
}

TEST(Constraints, TheReferenceIsImresize) {
  // From its second pixel on (a stride-2 filter of eight taps begins at whole pixels), away from the border.
  const torch::Tensor image = patch(1, 64).to(torch::kFloat32).contiguous();
  const torch::Tensor made = GeneratorPatch(image).shrunken(bicubic_reference_kernel());
  const torch::Tensor small = imresize(image.slice(2, 1).slice(3, 1), {0.5, 0.5}).slice(2, 2, 28).slice(3, 2, 28);
  EXPECT_LT(max_difference(made, small), 1e-5);
}

TEST(CropSampler, PrefersTextureAndKeepsInside) {
  torch::Tensor image = torch::full({1, 1, 120, 160}, 0.5F);
  image.slice(3, 80).copy_(torch::rand({1, 1, 120, 80}));
  const CropSampler sampler(gradient_map(image), 26);
  Random random(1);
  int64_t right = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto [y, x] = sampler.draw(random);
    ASSERT_GE(std::min(y, x), 0);
    ASSERT_LE(y, 120 - 26);
    ASSERT_LE(x, 160 - 26);
    ASSERT_EQ(y % 2 + x % 2, 0);
    right += x + 13 >= 74 ? 1 : 0;
  }
  EXPECT_GT(right, 1950);
  const CropSampler flat(torch::zeros({60, 60}), 26);
  EXPECT_NO_THROW(flat.draw(random));
}

TEST(KernelGan, SameSeedSameKernelAndStopKeepsIt) {
  const torch::Tensor photo = test::texture(3, 96, 100).to(torch::kFloat32);
  const auto with_seed = [&](uint64_t seed) {
    RunContext context;
    context.seed = seed;
    return run_adversarial(photo, {.iterations = 25}, context);
  };
  const AdversarialResult first = with_seed(1);
  EXPECT_EQ(first.summary.steps, 25);
  EXPECT_EQ(max_difference(first.kernel.weights(), with_seed(1).kernel.weights()), 0.0);
  EXPECT_GT(max_difference(first.kernel.weights(), with_seed(2).kernel.weights()), 0.0);
  EXPECT_NEAR(first.kernel.weights().sum().item<double>(), 1.0, 1e-9);
  EXPECT_NEAR(first.kernel.phase().y, 0.5, 0.02);
  RunContext context;
  context.progress = [](const Progress& now) {
    return now.step >= 5 ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  EXPECT_EQ(run_adversarial(photo, {}, context).summary.steps, 5);
  EXPECT_THROW(run_adversarial(photo.slice(2, 0, 40), {}, {}), InputError);
  EXPECT_THROW(run_adversarial(photo, {.iterations = 0}, {}), OptionError);
}

}  // namespace
}  // namespace zsr::kernelgan
