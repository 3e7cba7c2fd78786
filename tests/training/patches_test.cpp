#include "training/patches.h"

#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/filter.h"
#include "degradations/kernel_code.h"
#include "degradations/kernel_families.h"
#include "degradations/recipe.h"
#include "image/resize.h"
#include "tests/training/support.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

// What USRNet's data step assumes holds exactly: the LR patch is the HR patch blurred periodically, every s-th pixel.
TEST(PatchSource, KernelsExplainTheirPatches) {
  PatchOptions options{.scales = {1, 2, 3, 4}, .batch = 16, .patch = 16, .seed = 5};
  options.noisy = 0.0;
  const PatchSource source(photos(), Condition::kKernel, options);
  const std::vector<Batch> batches = source.draw(3, 0, 16);
  ASSERT_EQ(batches.size(), 4U);
  for (const Batch& batch : batches) {
    ASSERT_EQ(batch.kernels.sizes()[0], batch.input.size(0));
    EXPECT_NEAR(batch.kernels[0].sum().item<double>(), 1.0, 1e-5);
    const int64_t s = batch.scale;
    for (int64_t n = 0; n < batch.input.size(0); ++n) {
      const BlurKernel kernel(batch.kernels[n][0]);
      const torch::Tensor hr = batch.target[n].unsqueeze(0);
      const torch::Tensor around = torch::cat({hr, hr, hr}, 2);
      const torch::Tensor tiled = torch::cat({around, around, around}, 3);
      const torch::Tensor blurred = correlate(tiled, kernel.weights(), {}, Border::kZero)
                                        .narrow(2, hr.size(2), hr.size(2))
                                        .narrow(3, hr.size(3), hr.size(3));
      const torch::Tensor expected = blurred.slice(2, 0, c10::nullopt, s).slice(3, 0, c10::nullopt, s)[0].clamp(0, 1);
      EXPECT_LT((batch.input[n].slice(0, 0, 3) - expected).abs().max().item<double>(), 0.51 / 255.0) << s;
    }
  }
  options.noisy = 1.0;
  options.noise = 25.0;
  const Batch noisy = PatchSource(photos(), Condition::kKernel, options).draw(3, 0, 16)[1];
  EXPECT_GT(noisy.input.slice(1, 3).max().item<double>(), 0.0);
}

TEST(PatchSource, ABatchDependsOnItsStepAlone) {
  for (const Condition condition : {Condition::kNone, Condition::kSrmd, Condition::kKernelAndNoise}) {
    const PatchSource source(photos(), condition, {.scales = {2}, .batch = 4, .patch = 16, .noise = 20.0, .seed = 5});
    const Batch whole = source.draw(7, 0, 4)[0];
    const Batch again = source.draw(7, 0, 4)[0];
    EXPECT_EQ(max_difference(whole.input, again.input), 0.0);
    // Processes draw their shares of it.
    const Batch half = source.draw(7, 2, 4)[0];
    EXPECT_EQ(max_difference(whole.input.slice(0, 2), half.input), 0.0);
    EXPECT_EQ(max_difference(whole.target.slice(0, 2), half.target), 0.0);
    EXPECT_GT(max_difference(whole.target, source.draw(8, 0, 4)[0].target), 0.1);
    const PatchSource other(photos(), condition, {.scales = {2}, .batch = 4, .patch = 16, .noise = 20.0, .seed = 6});
    EXPECT_GT(max_difference(whole.target, other.draw(7, 0, 4)[0].target), 0.1);
  }
}

TEST(PatchSource, PhotosServeAtSmallerSizesTooWhereTheyAreLargeEnough) {
  const std::vector<torch::Tensor> given = photos();  // 96 x 103
  const auto all = with_smaller_sizes(given, {1.0, 0.75, 0.5}, 60);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(max_difference(all[1], given[1]), 0.0);
  EXPECT_EQ(all[3].sizes(), (std::vector<int64_t>{3, 72, 78}));
  const torch::Tensor want = imresize_uint8(given[1].to(torch::kFloat32).div(255.0).unsqueeze(0), {0.75, 0.75})[0];
  EXPECT_LT(max_difference(all[3].to(torch::kFloat32) / 255.0, want), 1e-6);
  EXPECT_EQ(with_smaller_sizes(given, {}, 60).size(), 2U);
  EXPECT_THROW(with_smaller_sizes(given, {1.5}, 60), OptionError);
  EXPECT_THROW(with_smaller_sizes(given, {0.0}, 60), OptionError);
}

TEST(PatchSource, SmallPatchesAreTheLargeOnesMadeSmaller) {
  // Far from the patch's border imresize of the patch is that of the photo.
  const PatchSource plain(photos(), Condition::kNone, {.scales = {3}, .batch = 3, .patch = 20, .seed = 5});
  const Batch batch = plain.draw(0, 0, 3)[0];
  const torch::Tensor small = imresize(batch.target, {1.0 / 3, 1.0 / 3});
  EXPECT_LT(max_difference(small.slice(2, 4, -4).slice(3, 4, -4), batch.input.slice(2, 4, -4).slice(3, 4, -4)),
            1.01 / 255.0);

  const PatchSource conditioned(photos(), Condition::kKernelAndNoise,
                                {.scales = {2}, .batch = 16, .patch = 16, .seed = 5});
  const Batch start = conditioned.draw(0, 0, 16)[0];
  ASSERT_EQ(start.input.size(1), 18);
  EXPECT_EQ(start.input.slice(1, 15, 16).abs().max().item<double>(), 0.0);  // no noise was asked for
  int64_t corners = 0;
  for (int64_t i = 0; i < 16; ++i) {
    const torch::Tensor lr = start.input[i].slice(0, 0, 3).unsqueeze(0);
    const double y = start.input[i][16][0][0].item<double>();
    const double x = start.input[i][17][0][0].item<double>();
    ResizeOptions grid;
    grid.phase = Phase{0.5 + 0.5 * y, 0.5 + 0.5 * x};
    corners += y != 0.0 ? 1 : 0;
    EXPECT_LT(max_difference(start.base[i], imresize(lr, {2.0, 2.0}, grid)[0]), 1e-5);
    // On that grid the enlarged patch stands where the target does: moved by a pixel it fits worse.
    const torch::Tensor inner = start.base[i].slice(1, 4, -4).slice(2, 4, -4);
    const auto miss = [&](int64_t dy, int64_t dx) {
      return (start.target[i].slice(1, 4 + dy, 28 + dy).slice(2, 4 + dx, 28 + dx) - inner).abs().mean().item<double>();
    };
    for (const int64_t step : {-1, 1}) {
      EXPECT_LT(miss(0, 0), miss(step, 0));
      EXPECT_LT(miss(0, 0), miss(0, step));
    }
  }
  EXPECT_GT(corners, 2);
  // What the code lets pass shows in the patch: the widest blur of the batch leaves the least difference of neighbours.
  const torch::Tensor pass = start.input.slice(1, 3, 15).mean({1, 2, 3});
  EXPECT_GT(pass.max().item<double>() - pass.min().item<double>(), 0.2);
  for (int64_t i = 0; i < 16; ++i) {
    const torch::Tensor maps = start.input[i].slice(0, 3);
    EXPECT_EQ((maps - maps.slice(1, 0, 1).slice(2, 0, 1)).abs().max().item<double>(), 0.0);
  }

  const PatchSource noisy(photos(), Condition::kSrmd,
                          {.scales = {2}, .batch = 24, .patch = 16, .noise = 75.0, .seed = 5});
  const torch::Tensor levels = noisy.draw(0, 0, 24)[0].input.slice(1, 18).mean({1, 2, 3});
  EXPECT_GT((levels == 0.0).sum().item<int64_t>(), 4);
  EXPECT_GT(levels.max().item<double>(), 20.0 / 255.0);
  EXPECT_THROW(PatchSource(photos(20), Condition::kSrmd, {.scales = {2}, .patch = 16}), OptionError);
}

TEST(PatchSource, SharesSayWhatIsDrawn) {
  const auto draw = [](double noisy, double sharp) {
    const PatchSource source(
        photos(), Condition::kSrmd,
        {.scales = {2}, .batch = 24, .patch = 16, .noise = 75.0, .noisy = noisy, .sharp = sharp, .seed = 5});
    return source.draw(0, 0, 24)[0].input;
  };
  const auto noisy_patches = [](const torch::Tensor& input) {
    return (input.slice(1, 18).amax({1, 2, 3}) > 0.0).sum().item<int64_t>();
  };
  EXPECT_EQ(noisy_patches(draw(0.0, 0.0)), 0);
  EXPECT_EQ(noisy_patches(draw(1.0, 0.0)), 24);
  const torch::Tensor codes = draw(0.0, 1.0).slice(1, 3, 18);
  EXPECT_LT((codes - codes.slice(0, 0, 1)).abs().max().item<double>(), 1e-6);  // one kernel: the point
  const torch::Tensor blurred = draw(0.0, 0.0).slice(1, 3, 18);
  EXPECT_GT((blurred - codes).abs().amax({1, 2, 3}).min().item<double>(), 1e-3);  // never the point
  // Directly subsampled patches: there are many kernels, and the condition states the blur that the patches have.
  const PatchSource direct(photos(), Condition::kSrmd,
                           {.scales = {3}, .batch = 24, .patch = 16, .direct = 1.0, .seed = 5});
  const Batch batch = direct.draw(0, 0, 24)[0];
  const torch::Tensor direct_codes = batch.input.slice(1, 3, 18).slice(2, 0, 1).slice(3, 0, 1).flatten(1);
  EXPECT_EQ(max_difference(batch.input, direct.draw(0, 0, 24)[0].input), 0.0);
  EXPECT_GT((direct_codes - direct_codes.slice(0, 0, 1)).abs().max().item<double>(), 0.05);
  EXPECT_THROW(draw(1.5, 0.0), OptionError);
  EXPECT_THROW(draw(0.0, -0.1), OptionError);
}

TEST(PatchSource, RecipesOfTheToolkitServe) {
  const std::shared_ptr<const Recipe> recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  const PatchSource source(photos(), Condition::kNone,
                           {.scales = {2}, .batch = 2, .patch = 16, .seed = 5, .recipes = {{2, recipe}}});
  const Batch batch = source.draw(0, 0, 2)[0];
  EXPECT_EQ(batch.input.sizes(), (std::vector<int64_t>{2, 3, 16, 16}));
  EXPECT_EQ(batch.target.sizes(), (std::vector<int64_t>{2, 3, 32, 32}));
  EXPECT_EQ(max_difference(batch.input, source.draw(0, 0, 2)[0].input), 0.0);
}

TEST(PatchSource, ScalesTakeTurnsWithinABatch) {
  PatchOptions options{.scales = {1, 2, 4}, .batch = 6, .patch = 16, .seed = 5};
  for (const int64_t scale : options.scales) {
    const auto s = static_cast<double>(scale);
    options.recipes[scale] = make_recipe("photo:0.5,bsrgan:0.5", {.scale = {s, s}});
  }
  const PatchSource source(photos(), Condition::kDamage, options);
  const std::vector<Batch> batches = source.draw(3, 0, 6);
  ASSERT_EQ(batches.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(batches[i].scale, options.scales[i]);
    EXPECT_EQ(batches[i].input.sizes(), (std::vector<int64_t>{2, 3 + networks::kDamageMaps, 16, 16}));
    EXPECT_EQ(batches[i].target.size(2), 16 * batches[i].scale);
  }
  // A process that draws half of the batch gets the same patches.
  const std::vector<Batch> half = source.draw(3, 3, 6);
  ASSERT_EQ(half.size(), 3);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(max_difference(half[i].input, batches[i].input.slice(0, 1)), 0.0);
}

TEST(PatchSource, KnownSaysHowOftenTheDamageIsGiven) {
  for (const double known : {0.0, 1.0}) {
    PatchOptions options{.scales = {1}, .batch = 24, .patch = 16, .seed = 5};
    options.recipes[1] = make_recipe("bicubic", {.scale = {1.0, 1.0}, .noise = Range{20.0, 20.0}});
    options.known = known;
    const torch::Tensor maps = PatchSource(photos(), Condition::kDamage, options).draw(0, 0, 24)[0].input.slice(1, 3);
    EXPECT_EQ(maps.slice(1, 0, 1).mean().item<double>(), known);
    EXPECT_EQ(maps.slice(1, 2, 3).mean().item<double>(), known);
    // 20 of 50; a little is lost where the noise is clipped.
    if (known == 1.0) {
      EXPECT_NEAR(maps.slice(1, 1, 2).mean().item<double>(), 0.4, 0.03);
    }
  }
}

// Patches that were blurred have a fraction of their own.
TEST(PatchSource, KnownSoftIsForBlurredPatches) {
  PatchOptions options{.scales = {1}, .batch = 24, .patch = 16, .seed = 5};
  options.known = 1.0;
  options.known_soft = 0.0;
  const auto known_part = [&](const RecipeOptions& recipe, const char* name) {
    options.recipes[1] = make_recipe(name, recipe);
    const Batch batch = PatchSource(photos(), Condition::kDamage, options).draw(0, 0, 24)[0];
    return batch.input.slice(1, 3, 4).mean().item<double>();
  };
  EXPECT_EQ(known_part({.scale = {1.0, 1.0}, .noise = Range{20.0, 20.0}}, "bicubic"), 1.0);
  EXPECT_EQ(known_part({.scale = {1.0, 1.0}}, "realesrgan"), 0.0);
  options.known_soft = 2.0;
  EXPECT_THROW(options.validate(), OptionError);
}

TEST(DamageOf, ReadsNoiseAndTheLastJpeg) {
  const torch::Tensor hr = test::texture(3, 64, 64).to(torch::kFloat32).clamp(0.2, 0.8);
  GaussianNoiseStep noise;
  noise.level = 10.0;
  const networks::Damage both = damage_of({noise, JpegStep{40}, RoundStep{}}, hr);
  EXPECT_NEAR(both.noise.value(), 10.0, 0.3);
  EXPECT_EQ(both.jpeg_quality.value(), 40.0);
  const networks::Damage clean = damage_of({RoundStep{}}, hr);
  EXPECT_EQ(clean.noise.value(), 0.0);
  EXPECT_EQ(clean.jpeg_quality.value(), 100.0);
  const networks::Damage resized = damage_of({JpegStep{40}, ResizeStep{32, 32}}, hr);
  EXPECT_FALSE(resized.jpeg_quality.has_value()) << "its blocks do not lie on the grid any more";
  // Averaged over pixels by the resize, less of the noise is left.
  EXPECT_LT(damage_of({noise, ResizeStep{32, 32}}, hr).noise.value(), 8.0);
}

TEST(KernelCode, TurnsWithThePhoto) {
  const BlurKernel kernel = make_kernel({.size = 15, .sigma_1 = 3.0, .sigma_2 = 1.0, .angle = 0.6});
  const auto code = kernel_code(kernel, 2.0);
  const auto plain = kernel_code(kernel.moved_to({0.5, 0.5}), 2.0);
  for (int64_t turn = 0; turn < 8; ++turn) {
    const torch::Tensor weights = kernel.weights().view({1, 1, 15, 15});
    const torch::Tensor turned = (turn >= 4 ? weights.rot90(turn & 3, {2, 3}).flip({3}) : weights.rot90(turn, {2, 3}));
    const auto wanted = kernel_code(BlurKernel(turned[0][0].contiguous()), 2.0);
    const auto made = turned_code(code, turn);
    for (size_t i = 0; i < code.size(); ++i) EXPECT_NEAR(made[i], wanted[i], 1e-6) << turn << " " << i;
  }
  for (size_t i = 0; i < code.size(); ++i) EXPECT_NEAR(plain[i], code[i], 0.02);
}

TEST(PatchSource, ACurriculumBeginsEasily) {
  PatchOptions options{.scales = {2}, .batch = 24, .patch = 16, .noise = 75.0, .curriculum = 1000, .seed = 5};
  const PatchSource source(photos(), Condition::kSrmd, options);
  const auto strongest = [&](int64_t step) {
    return source.draw(step, 0, 24)[0].input.slice(1, 18).max().item<double>();
  };
  EXPECT_LT(strongest(0), 0.1 / 255.0);
  EXPECT_GT(strongest(1000), 20.0 / 255.0);
}

}  // namespace
}  // namespace zsr::training
