// What a network sees changes while it is trained: scales that join, recipes one after another.
#include "core/error.h"
#include "degradations/recipe.h"
#include "image/resize.h"
#include "tests/training/support.h"
#include "training/patches.h"
#include "training/trainer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

namespace zsr::training {
namespace {

TEST(ScaleGrowth, JoinsAsPublished) {
  const ScaleGrowth three = ScaleGrowth::published(3, 1000);
  ASSERT_EQ(three.joins.size(), 2U);
  EXPECT_EQ(three.joined(119), 1U);
  EXPECT_EQ(three.joined(120), 2U);
  EXPECT_EQ(three.joined(449), 2U);
  EXPECT_EQ(three.joined(450), 3U);
  EXPECT_EQ(three.own_part(0, 0), 1.0);
  EXPECT_EQ(three.own_part(1, 120), 0.0);
  EXPECT_NEAR(three.own_part(1, 185), 0.5, 1e-12);
  EXPECT_EQ(three.own_part(1, 250), 1.0);
  EXPECT_EQ(three.own_part(2, 450), 0.0);
  EXPECT_EQ(three.own_part(2, 600), 1.0);
  EXPECT_EQ(ScaleGrowth{}.joined(0), 1U);
  EXPECT_EQ(ScaleGrowth{}.own_part(1, 0), 1.0);
  EXPECT_THROW(ScaleGrowth::published(1, 100), OptionError);
  EXPECT_THROW(ScaleGrowth::published(4, 100), OptionError);
}

TEST(ScaleGrowth, AStepHasPatchesOfOneScaleThatHasJoined) {
  PatchOptions options{.scales = {2, 4}, .batch = 3, .patch = 8, .seed = 5};
  for (const int64_t scale : {2, 4}) {
    const auto s = static_cast<double>(scale);
    options.recipes[scale] = make_recipe("bicubic", {.scale = {s, s}});
  }
  options.growth = ScaleGrowth::published(2, 100);
  const PatchSource source(photos(), Condition::kNone, options);
  std::set<int64_t> early;
  std::set<int64_t> late;
  for (int64_t step = 0; step < 40; ++step) {
    const std::vector<Batch> batches = source.draw(step, 0, 3);
    ASSERT_EQ(batches.size(), 1U);
    EXPECT_EQ(batches[0].input.sizes(), (std::vector<int64_t>{3, 3, 8, 8}));
    EXPECT_EQ(batches[0].target.size(2), 8 * batches[0].scale);
    EXPECT_EQ(source.draw(step, 1, 2)[0].scale, batches[0].scale);  // every process draws the same
    (step < 12 ? early : late).insert(batches[0].scale);
  }
  EXPECT_EQ(early, (std::set<int64_t>{2}));
  EXPECT_EQ(late, (std::set<int64_t>{2, 4}));
}

// A small ProSR or LapSRN of x2 and x4.
Network pyramid(const std::string& name) {
  Random random(1);
  const networks::Kind& kind = *networks::find_kind(name);
  if (name == "lapsrn") return {kind, kind.configured(4, {{"width", 16.0}, {"depth", 2.0}}), random};
  const std::map<std::string, double> small{{"width", 16},   {"blocks1", 1},     {"blocks2", 1}, {"blocks3", 0},
                                            {"layers", 2.0}, {"bottleneck", 16}, {"growth", 8}};
  return {kind, kind.configured(4, small), random};
}

struct GrowingRun {
  GrowingRun(const std::string& name, int64_t steps) : network(pyramid(name)) {
    PatchOptions patches{.scales = {2, 4}, .batch = 2, .patch = 8, .seed = 5};
    for (const int64_t scale : {2, 4}) {
      const auto s = static_cast<double>(scale);
      patches.recipes[scale] = make_recipe("bicubic", {.scale = {s, s}});
    }
    TrainOptions options;
    options.schedule = {.steps = steps, .warm_up = 2};
    options.save_every = steps;
    options.growth = ScaleGrowth::published(2, steps);
    patches.growth = options.growth;
    source = std::make_unique<PatchSource>(photos(), Condition::kNone, patches);
    trainer = std::make_unique<Trainer>(network, *source, validation, options, 2, alone);
  }
  Summary run(int64_t stop_after = 1000) {
    RunContext context;
    context.progress = [=](const Progress& now) {
      return now.step >= stop_after ? ProgressAction::kStop : ProgressAction::kContinue;
    };
    return trainer->run(context, {});
  }
  Network network;
  Communicator alone;
  std::unique_ptr<PatchSource> source;
  Validation validation{{}, network};
  std::unique_ptr<Trainer> trainer;
};

TEST(ScaleGrowth, WhatOnlyTheLargerScaleHasLearnsWhenItJoins) {
  for (const char* const name : {"prosr", "lapsrn"}) {
    SCOPED_TRACE(name);
    GrowingRun run(name, 100);
    const WeightsFile before = run.network.weights(run.network.parameters().detach().clone());
    EXPECT_EQ(run.run(12).steps, 12);  // x4 joins at step 12
    const WeightsFile alone = run.network.weights(run.network.parameters().detach().clone());
    const std::string small =
        name == std::string("prosr") ? "reconst_1.final_conv.conv.1.bias" : "level2_residual_conv.bias";
    const std::string large =
        name == std::string("prosr") ? "reconst_2.final_conv.conv.1.bias" : "level1_residual_conv.bias";
    EXPECT_EQ(max_difference(*before.find(large), *alone.find(large)), 0.0);
    EXPECT_GT(max_difference(*before.find(small), *alone.find(small)), 0.0);
    run.run();
    const WeightsFile both = run.network.weights(run.network.parameters().detach());
    EXPECT_GT(max_difference(*alone.find(large), *both.find(large)), 0.0);
  }
}

TEST(ScaleGrowth, AResumedRunIsTheRunThatNeverStopped) {
  GrowingRun whole("prosr", 40);
  whole.run();
  GrowingRun first("prosr", 40);
  first.run(8);  // while x4 is blended in
  GrowingRun second("prosr", 40);
  second.trainer->restore(first.trainer->checkpoint());
  second.run();
  EXPECT_EQ(max_difference(second.network.parameters().detach(), whole.network.parameters().detach()), 0.0);
  EXPECT_THROW(GrowingRun("prosr", 80).trainer->restore(first.trainer->checkpoint()), InputError);
}

// ProSR's level before: the first level's features, made an image by its own last convolution, enlarged bilinearly.
TEST(ScaleGrowth, ANewLevelOfProsrBeginsAsTheOneBefore) {
  const Network network = pyramid("prosr");
  const torch::Tensor photo = torch::rand({1, 3, 10, 9});
  const Network::Results results = network.forward_all(photo, network.parameters().detach(), 4);
  ASSERT_EQ(results.on_the_way.size(), 1U);
  EXPECT_EQ(results.on_the_way[0].made.sizes(), results.made.sizes());
  // With the same first convolution x2 makes those features too: x2 enlarged is the level before.
  WeightsFile file = network.weights(network.parameters().detach());
  for (const char* const part : {"weight", "bias"}) {
    const torch::Tensor* const one = file.find(std::string("init_conv_1.conv.1.") + part);
    const torch::Tensor* const two = file.find(std::string("init_conv_2.conv.1.") + part);
    ASSERT_TRUE(one != nullptr && two != nullptr);
    const_cast<torch::Tensor*>(two)->copy_(*one);
  }
  Network same = pyramid("prosr");
  same.load(file);
  const torch::NoGradGuard no_grad;
  const auto bicubic = [&](double s) { return imresize(photo, {s, s}); };
  const torch::Tensor found = same.forward(photo, same.parameters(), 2) - bicubic(2.0);
  const torch::Tensor wanted = torch::upsample_bilinear2d(found, {40, 36}, false) + bicubic(4.0);
  EXPECT_LT(max_difference(same.forward_all(photo, same.parameters(), 4).on_the_way[0].made, wanted), 1e-4);
}

TEST(RecipeStages, AreReadOrRefused) {
  const auto stages = parse_stages("bicubic 30%; photo:0.6,bsrgan:0.4  30%;my noise.json 40%");
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[0].recipe, "bicubic");
  EXPECT_EQ(stages[0].percent, 30.0);
  EXPECT_EQ(stages[1].recipe, "photo:0.6,bsrgan:0.4");
  EXPECT_EQ(stages[2].recipe, "my noise.json");
  for (const char* const wrong : {"", "bicubic", "bicubic 30", "bicubic 0%; bsrgan 100%", "bicubic 60%", "30%",
                                  "bicubic 60%; bsrgan 60%", "bicubic 50%x; bsrgan 50%"}) {
    EXPECT_THROW(parse_stages(wrong), OptionError) << wrong;
  }
}

TEST(RecipeStages, FollowOneAnother) {
  const RecipeOptions two{.scale = {2.0, 2.0}};
  const std::shared_ptr<const Recipe> clean = make_recipe("bicubic", two);
  const std::shared_ptr<const Recipe> hard = make_recipe("bsrgan", two);
  PatchOptions options{.scales = {2}, .batch = 2, .patch = 12, .seed = 5};
  const auto drawn = [&](std::shared_ptr<const Recipe> last, std::vector<RecipeStage> stages, int64_t step) {
    options.recipes[2] = std::move(last);
    options.stages = std::move(stages);
    return PatchSource(photos(), Condition::kNone, options).draw(step, 0, 2)[0].input;
  };
  const std::vector<RecipeStage> first{{3, {{2, clean}}}};
  for (const int64_t step : {0, 2}) {
    EXPECT_EQ(max_difference(drawn(hard, first, step), drawn(clean, {}, step)), 0.0);
    EXPECT_GT(max_difference(drawn(hard, first, step), drawn(hard, {}, step)), 0.0);
  }
  EXPECT_EQ(max_difference(drawn(hard, first, 3), drawn(hard, {}, 3)), 0.0);
  options.stages = first;
  const nlohmann::ordered_json described = PatchSource(photos(), Condition::kNone, options).describe();
  EXPECT_TRUE(described.contains("recipe x2 before step 3"));
}

}  // namespace
}  // namespace zsr::training
