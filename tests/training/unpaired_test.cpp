// Learning a degradation from two collections: plans, images of plans, judges, collapse.
#include "core/error.h"
#include "degradations/learned/generator.h"
#include "tests/training/support.h"
#include "training/collapse.h"
#include "training/degradation_plan.h"
#include "training/judge_graph.h"
#include "training/team.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <gmock/gmock.h>

namespace zsr::training {
namespace {

using testing::HasSubstr;

PatchSource sharp_patches() {
  return {photos(), Condition::kNone, {.scales = {2}, .batch = 2, .patch = 32, .seed = 5}};
}
PatchSource like_patches() {
  return {photos(64), Condition::kNone, {.scales = {1}, .batch = 2, .patch = 32, .seed = 6}};
}

DegradationOptions tiny(const std::string& method) {
  DegradationOptions options;
  options.method = method;
  options.scale = 2;
  options.steps = 4;
  return options;
}

torch::Tensor checkpoint_values(const Team& team) {
  std::vector<torch::Tensor> all;
  for (const NamedTensor& entry : team.checkpoint().tensors) all.push_back(entry.tensor.flatten());
  return torch::cat(all);
}

TEST(Judges, HaveThePublishedCounts) {
  EXPECT_EQ(judge_graph("dsgan", 64).trained_count(), 1030273);
  EXPECT_EQ(judge_graph("cincgan", 64).trained_count(), 2765568);
}

TEST(TeamImages, FiltersAreMeansAndWhatTheyLeave) {
  const torch::Tensor image = torch::rand({2, 3, 16, 18});
  TeamImages images(2, {{"hr", image}}, {});
  const torch::Tensor low = images.at("low(hr)");
  EXPECT_NEAR(low[0][1][7][9].item<double>(), image[0][1].slice(0, 5, 10).slice(1, 7, 12).mean().item<double>(), 1e-6);
  // At a corner the mean of the nine pixels that are there.
  EXPECT_NEAR(low[1][0][0][0].item<double>(), image[1][0].slice(0, 0, 3).slice(1, 0, 3).mean().item<double>(), 1e-6);
  EXPECT_LT(max_difference(2.0 * images.at("high(hr)") - 1.0 + low, image), 1e-5);
  EXPECT_NEAR(images.at("low9(hr)")[0][0][8][9].item<double>(),
              image[0][0].slice(0, 4, 13).slice(1, 5, 14).mean().item<double>(), 1e-6);
  EXPECT_FALSE(images.at("still(hr)").requires_grad());
  EXPECT_THROW(images.at("like"), OptionError);
  bool like = false;
  const auto none = [](const std::string&) { return false; };
  EXPECT_TRUE(is_image("high25(small(like))", none, like));
  EXPECT_TRUE(like);
  for (const char* const text : {"low4(hr)", "low1(hr)", "lows(hr)", "low999(hr)", "up(hr)", "low(hr", "(hr)"}) {
    EXPECT_FALSE(is_image(text, none, like)) << text;
  }
}

// The gradient of a relativistic judge's loss pulls a made image towards being judged more real than the real one.
TEST(Judges, EveryLossTellsMadeFromRealAfterSomeSteps) {
  for (const char* const network : {"dsgan", "cincgan", "cincgan-strided", "patch"}) {
    for (const char* const loss : {"vanilla", "ls", "relativistic"}) {
      Random random(3);
      Adversary judge({.network = network, .loss = loss, .width = 8, .learning_rate = 1e-3, .gain = 10.0}, random);
      torch::manual_seed(5);
      double value = 0.0;
      // White noise is real, smooth noise is made.
      const auto draw = [](bool white) {
        const torch::Tensor noise = 0.1 * torch::randn({4, 3, 80, 80});
        return 0.5 + (white ? noise : 3.0 * torch::avg_pool2d(noise, {3, 3}, {1, 1}, {1, 1}));
      };
      for (int step = 0; step < 30; ++step) judge.step(judge.gradient(draw(false), draw(true), value), 1.0);
      const torch::Tensor real = draw(true);
      const torch::Tensor made = draw(false);
      const torch::NoGradGuard no_grad;
      EXPECT_GT(judge.judge(real, true).mean().item<double>(), judge.judge(made, true).mean().item<double>())
          << network << ' ' << loss;
    }
  }
}

TEST(Degradation, EveryMethodTrainsAndGoesOnFromItsCheckpointWithTheSameBytes) {
  const PatchSource sharp = sharp_patches();
  const PatchSource like = like_patches();
  for (const std::string& method : degradation_methods()) {
    const TeamPlan plan = degradation_plan(tiny(method));
    ASSERT_TRUE(plan.needs_like()) << method;
    Team whole(plan, sharp, 1, torch::kCPU, &like);
    const torch::Tensor before = whole.checkpoint().find("worse.values")->clone();
    whole.run(100, {}, {});
    EXPECT_GT(max_difference(*whole.checkpoint().find("worse.values"), before), 1e-5) << method;
    RunContext two;
    two.progress = [](const Progress& now) {
      return now.step >= 2 ? ProgressAction::kStop : ProgressAction::kContinue;
    };
    Team first(plan, sharp, 1, torch::kCPU, &like);
    first.run(100, two, {});
    Team second(plan, sharp, 9, torch::kCPU, &like);
    second.restore(first.checkpoint());
    second.run(100, {}, {});
    EXPECT_TRUE(torch::equal(checkpoint_values(second), checkpoint_values(whole))) << method;
  }
}

// A photo whose pixels say where they stand: whatever way a patch is turned, its blocks stay blocks.
TEST(Degradation, PatchesOfScansKeepJpegsBlocksInPlace) {
  torch::Tensor photo = torch::zeros({3, 70, 90}, torch::kUInt8);
  for (int64_t y = 0; y < 70; ++y) {
    for (int64_t x = 0; x < 90; ++x) photo.slice(1, y, y + 1).slice(2, x, x + 1).fill_((y / 8 * 12 + x / 8) % 251);
  }
  const PatchSource source({photo}, Condition::kNone, {.scales = {1}, .batch = 16, .patch = 32, .align = 8, .seed = 1});
  const torch::Tensor made = source.draw(0, 0, 16).front().target;
  const torch::Tensor blocks = made.view({16, 3, 4, 8, 4, 8});
  EXPECT_EQ((blocks - blocks.slice(3, 0, 1).slice(5, 0, 1)).abs().max().item<double>(), 0.0);
  EXPECT_GT(blocks.std().item<double>(), 0.0);
}

TEST(Degradation, TheFileIsADegradationOfItsScale) {
  const PatchSource sharp = sharp_patches();
  const PatchSource like = like_patches();
  const Team team(degradation_plan(tiny("fssr")), sharp, 1, torch::kCPU, &like);
  const WeightsFile file = team.weights(kDegradingNetwork);
  const auto shape = find_generator(file);
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->maps(), 6);
  EXPECT_TRUE(shape->residual);
  EXPECT_EQ(file.metadata.at("trained_scale"), "2");
  // It begins as the photo itself, or close to it.
  EXPECT_LT(max_difference(team.image("worse(lr)", 0), team.image("lr", 0)), 0.5);
}

TEST(Degradation, PublishedPlansHaveThePublishedNetworks) {
  DegradationOptions options = tiny("fssr");
  options.published = true;
  options.scale = 4;
  const TeamPlan plan = degradation_plan(options);
  const auto count = [](const TeamPlan& one) {
    const Member& member = one.members.front();
    const networks::Kind& kind = *networks::find_kind(member.network);
    return kind.graph(kind.configured(member.scale, member.fields)).trained_count();
  };
  EXPECT_EQ(count(plan), 594380);
  EXPECT_EQ(plan.judges.at("eye").width, 64);
  options.method = "bulat";
  EXPECT_EQ(count(degradation_plan(options)), 1336515 + 3);  // and the weights of its noise
  options.method = "cincgan";
  EXPECT_EQ(count(degradation_plan(options)), 610176);
}

TEST(Degradation, WhatCannotBeIsRefused) {
  DegradationOptions options = tiny("gan");
  EXPECT_THROW(degradation_plan(options), OptionError);
  options = tiny("bulat");
  options.scale = 3;
  EXPECT_THROW(degradation_plan(options), OptionError);
  options = tiny("cincgan");
  options.features = "vgg.pth";
  EXPECT_THROW(degradation_plan(options), OptionError);
  const PatchSource sharp = sharp_patches();
  EXPECT_THROW(Team(degradation_plan(tiny("fssr")), sharp, 1), OptionError);
}

TEST(Collapse, IsNoticedAndNamed) {
  CollapseWatch watch;
  std::string said;
  for (int i = 0; i < 1000 && said.empty(); ++i) said = watch.observe("eye", 0.9, 0.1, 0.1);
  EXPECT_EQ(said, "");
  for (int i = 0; i < 2000 && said.empty(); ++i) said = watch.observe("eye", 0.9, 0.0001, 0.1);
  EXPECT_THAT(said, HasSubstr("'eye' sees has become nearly one colour"));
  CollapseWatch other;
  said.clear();
  for (int i = 0; i < 2000 && said.empty(); ++i) said = other.observe("eye", 1e-5, 0.1, 0.1);
  EXPECT_THAT(said, HasSubstr("tells every image apart"));
}

}  // namespace
}  // namespace zsr::training
