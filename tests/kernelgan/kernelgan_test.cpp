#include "kernelgan/kernelgan.h"

#include "core/error.h"
#include "degradations/flow_prior.h"
#include "degradations/kernel_analysis.h"
#include "kernelgan/constraints.h"
#include "kernelgan/crops.h"
#include "kernelgan/discriminator.h"
#include "kernelgan/fkp_adversary.h"
#include "kernelgan/generator.h"
#include "kernelgan/side_thread.h"
#include "tests/support/test_images.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace zsr::kernelgan {
namespace {

using test::max_difference;

torch::Tensor patch(int64_t channels, int64_t side, uint64_t seed = 1) {
  return test::texture(channels, side, side, seed).mul(2.0).sub(1.0);
}

// The network as published: six convolutions one after the other, 64 channels between, the last with stride 2.
torch::Tensor layer_by_layer(const Generator<double>& generator, const torch::Tensor& image) {
  torch::Tensor x = image.view({image.size(1), 1, image.size(2), image.size(3)});
  for (size_t i = 0; i < 6; ++i) x = torch::conv2d(x, generator.parameters()[i], {}, i == 5 ? 2 : 1);
  return x.view({1, image.size(1), x.size(2), x.size(3)});
}

template <class Real>
std::span<Real> values(const torch::Tensor& tensor) {
  return {tensor.data_ptr<Real>(), static_cast<size_t>(tensor.numel())};
}

TEST(Generator, ComposedKernelEqualsTheLayersInOutputAndGradients) {
  Random random(3);
  Generator<double> generator(random);
  EXPECT_EQ(generator.parameters().count(), Generator<double>::kParameters);
  const torch::Tensor image = patch(3, 70).to(torch::kFloat64).contiguous();
  GeneratorPatch<double> source;
  source.take(image, 2, 5);
  Generator<double>::Composition composition = generator.compose();
  const torch::Tensor composed = torch::empty({1, 3, 26, 26}, torch::kFloat64);
  ASSERT_EQ(source.count(), composed.numel());
  source.shrink(composition.kernel, values<double>(composed));
  const torch::Tensor layers = layer_by_layer(generator, image.slice(2, 2, 66).slice(3, 5, 69).contiguous());
  const double size = layers.abs().max().item<double>();
  EXPECT_GT(size, 0.0);
  EXPECT_LT(max_difference(composed, layers), 1e-12 * size);
  const torch::Tensor weight = torch::randn(layers.sizes(), torch::kFloat64);
  const auto leaves = generator.parameters().leaves();
  const torch::Tensor flat = torch::full({generator.parameters().count()}, 7.0, torch::kFloat64);
  generator.gradient(composition, source.kernel_gradient(values<double>(weight)), values<double>(flat));
  const auto wanted = torch::autograd::grad({(layers * weight).sum()}, leaves);
  int64_t at = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const torch::Tensor own = flat.narrow(0, at, leaves[i].numel()).view(leaves[i].sizes());
    EXPECT_LT(max_difference(own, wanted[i]), 1e-10 * wanted[i].abs().max().item<double>()) << "layer " << i;
    at += leaves[i].numel();
  }
  EXPECT_EQ(at, flat.numel());
}

TEST(Generator, InSinglePrecisionIsTheSame) {
  Random random(3);
  Generator<float> single(random);
  Random again(3);
  Generator<double> exact(again);
  const torch::Tensor image = patch(3, 64).to(torch::kFloat32).contiguous();
  const torch::Tensor exact_image = image.to(torch::kFloat64);
  GeneratorPatch<float> source;
  GeneratorPatch<double> exact_source;
  source.take(image, 0, 0);
  exact_source.take(exact_image, 0, 0);
  Generator<float>::Composition composition = single.compose();
  Generator<double>::Composition exact_composition = exact.compose();
  const torch::Tensor weight = torch::randn({1, 3, 26, 26});
  const torch::Tensor exact_weight = weight.to(torch::kFloat64);
  const torch::Tensor flat = torch::empty({single.parameters().count()});
  const torch::Tensor exact_flat = torch::empty({single.parameters().count()}, torch::kFloat64);
  single.gradient(composition, source.kernel_gradient(values<float>(weight)), values<float>(flat));
  exact.gradient(exact_composition, exact_source.kernel_gradient(values<double>(exact_weight)),
                 values<double>(exact_flat));
  int64_t at = 0;
  for (const torch::Tensor& leaf : single.parameters().leaves()) {
    const torch::Tensor wanted = exact_flat.narrow(0, at, leaf.numel());
    EXPECT_LT(max_difference(flat.narrow(0, at, leaf.numel()).to(torch::kFloat64), wanted),
              1e-5 * wanted.abs().max().item<double>());
    at += leaf.numel();
  }
}

TEST(Discriminator, HasThePublishedSizeAndAnswersBetweenZeroAndOne) {
  Random random(4);
  Discriminator discriminator(3, random);
  EXPECT_EQ(discriminator.parameters().count(), 30977);
  Discriminator::Pass pass = discriminator.make_pass();
  discriminator.normalize(pass.weights);
  discriminator.forward(values<float>(patch(3, 26).to(torch::kFloat32).contiguous()), pass);
  EXPECT_EQ(pass.map.size(), 20 * 20);
  const auto [least, most] = std::minmax_element(pass.map.begin(), pass.map.end());
  EXPECT_GT(*least, 0.0F);
  EXPECT_LT(*most, 1.0F);
}

// The same network by LibTorch's own operations in double precision, with the singular vectors of the pass.
torch::Tensor by_autograd(const std::vector<torch::Tensor>& p, const Discriminator::Pass& pass,
                          const torch::Tensor& input) {
  torch::Tensor x = input;
  for (size_t i = 0; i < 7; ++i) {
    const size_t place = i == 0 ? 0 : 2 + (i - 1) * 4;
    const torch::Tensor matrix = p[place].view({p[place].size(0), -1});
    const torch::Tensor u = torch::tensor(pass.weights[i].left, torch::kFloat64);
    const torch::Tensor v = torch::tensor(pass.weights[i].right, torch::kFloat64);
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
    Discriminator::Pass pass = discriminator.make_pass();
    for (int i = 0; i < 4; ++i) discriminator.normalize(pass.weights);
    discriminator.forward(values<float>(image), pass);
    std::vector<torch::Tensor> exact;
    for (const torch::Tensor& leaf : discriminator.parameters().leaves()) {
      exact.push_back(leaf.detach().to(torch::kFloat64).requires_grad_());
    }
    const torch::Tensor input = image.to(torch::kFloat64).requires_grad_();
    const torch::Tensor map = by_autograd(exact, pass, input);
    const torch::Tensor own_map = torch::from_blob(pass.map.data(), {400});
    EXPECT_LT(max_difference(own_map.to(torch::kFloat64), map), 1e-5);
    const torch::Tensor slope = torch::randn({400});
    std::vector<torch::Tensor> wanted = exact;
    wanted.push_back(input);
    const auto gradients = torch::autograd::grad({(map * slope.to(torch::kFloat64)).sum()}, wanted);
    const torch::Tensor single = torch::empty({discriminator.parameters().count()});
    discriminator.parameter_gradient(pass, values<float>(slope), values<float>(single));
    const torch::Tensor flat = single.to(torch::kFloat64);
    const torch::Tensor at_input = torch::empty_like(image);
    discriminator.input_gradient(pass, values<float>(slope), values<float>(at_input));
    EXPECT_LT(max_difference(at_input.to(torch::kFloat64), gradients.back()),
              1e-4 * gradients.back().abs().max().item<double>());
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

TEST(Discriminator, SharedByTwoThreadsIsTheSame) {
  Random random(5);
  Discriminator discriminator(3, random);
  const torch::Tensor image = patch(3, 26).to(torch::kFloat32).contiguous();
  const torch::Tensor slope = torch::randn({400});
  Discriminator::Pass alone = discriminator.make_pass();
  discriminator.normalize(alone.weights);
  Discriminator::Pass together = discriminator.make_pass();
  together.weights = alone.weights;
  const torch::Tensor wanted = torch::empty({discriminator.parameters().count()});
  discriminator.forward(values<float>(image), alone);
  discriminator.parameter_gradient(alone, values<float>(slope), values<float>(wanted));
  const torch::Tensor made = torch::empty_like(wanted);
  Meeting meeting;
  const auto half = [&](int part) {
    const Share share{part, 2, &meeting};
    discriminator.forward(values<float>(image), together, share);
    discriminator.parameter_gradient(together, values<float>(slope), values<float>(made), share);
  };
  SideThread beside;
  for (int i = 0; i < 20; ++i) {
    made.fill_(7.0);
    beside.start([&] { half(1); });
    half(0);
    beside.wait();
    EXPECT_EQ(together.map, alone.map);
    EXPECT_LT(max_difference(made, wanted), 1e-5 * wanted.abs().max().item<double>());
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
  GeneratorPatch<float> source;
  source.take(image, 0, 0);
  torch::manual_seed(6);
  const torch::Tensor single = (torch::rand({13, 13}) - 0.2).div_(40.0);
  const torch::Tensor kernel = single.to(torch::kFloat64).requires_grad_();
  const std::span<const float, kKernelCount> weights_of_kernel(single.data_ptr<float>(), kKernelCount);
  const torch::Tensor output = torch::empty({1, 3, 26, 26});
  const torch::Tensor reference = torch::empty_like(output);
  source.shrink(weights_of_kernel, values<float>(output));
  source.shrink(bicubic_reference_kernel(), values<float>(reference));
  for (const bool late : {false, true}) {
    ConstraintWeights weights;
    if (late) weights = {.bicubic = 0.05, .centralized = 1.0, .sparse = 5.0};
    const torch::Tensor at_output = torch::ones_like(output);  // what the discriminator found
    const ConstraintLoss loss = constraint_loss(weights_of_kernel, values<float>(output), values<float>(reference),
                                                weights, values<float>(at_output));
    const torch::Tensor wanted = constraints_by_autograd(kernel, weights);
    const torch::Tensor slope = torch::autograd::grad({wanted}, {kernel})[0].view({-1});
    const torch::Tensor own =
        torch::tensor(std::vector<float>(loss.kernel_gradient.begin(), loss.kernel_gradient.end()));
    EXPECT_LT(max_difference(own.to(torch::kFloat64), slope), 1e-6 * slope.abs().max().item<double>());
    EXPECT_NEAR(loss.total, wanted.item<double>() + weights.bicubic * loss.bicubic, 1e-6 * std::abs(loss.total));
    EXPECT_NEAR(loss.bicubic, (output - reference).square().mean().item<double>(), 1e-6);
    const torch::Tensor slope_of_bicubic = (output - reference) * (2.0 * weights.bicubic / output.numel());
    EXPECT_LT(max_difference(at_output - 1.0, slope_of_bicubic), 1e-6);
  }
}

TEST(Constraints, TheReferenceIsImresize) {
  // From its second pixel on (a stride-2 filter of eight taps begins at whole pixels), away from the border.
  const torch::Tensor image = patch(1, 64).to(torch::kFloat32).contiguous();
  const torch::Tensor made = torch::empty({1, 1, 26, 26});
  GeneratorPatch<float> source;
  source.take(image, 0, 0);
  source.shrink(bicubic_reference_kernel(), values<float>(made));
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

TEST(KernelGanFkp, SearchesWithinThePrior) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor photo = test::texture(3, 96, 100).to(torch::kFloat32);
  Random random(5);
  FkpAdversaryOptions options;
  options.prior = std::make_shared<const FlowPrior>(FlowPrior::for_scale(2, random));
  options.iterations = 3;
  options.batch = 4;
  options.learning_rate = 0.5;
  RunContext context;
  context.seed = 2;
  const AdversarialResult first = run_fkp_adversarial(photo, options, context);
  EXPECT_EQ(first.summary.steps, 3);
  EXPECT_NEAR(first.kernel.weights().sum().item<double>(), 1.0, 1e-9);
  EXPECT_NEAR(first.kernel.phase().y, 0.5, 0.02);
  EXPECT_EQ(max_difference(first.kernel.weights(), run_fkp_adversarial(photo, options, context).kernel.weights()), 0.0);
  options.iterations = 1;  // the kernel has not moved yet
  EXPECT_GT(max_difference(first.kernel.weights(), run_fkp_adversarial(photo, options, context).kernel.weights()), 0.0);
  EXPECT_THROW(run_fkp_adversarial(photo.slice(2, 0, 40), options, context), InputError);
  options.prior = std::make_shared<const FlowPrior>(FlowPrior::for_scale(3, random));
  EXPECT_THROW(run_fkp_adversarial(photo, options, context), OptionError);
  options.prior = nullptr;
  EXPECT_THROW(run_fkp_adversarial(photo, options, context), OptionError);
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace zsr::kernelgan
