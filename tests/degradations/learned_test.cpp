// Learned degradations: generators, the step, the recipe, and what is refused.
#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "degradations/learned/learned_degradation.h"
#include "degradations/recipe.h"
#include "degradations/step_json.h"
#include "nn/parameter_file.h"
#include "nn/weights/safetensors.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <gmock/gmock.h>

namespace zsr {
namespace {

using testing::HasSubstr;

// A generator whose last layer adds a tenth of its first noise map to red.
class Learned : public testing::Test {
 protected:
  static GeneratorShape shape() {
    GeneratorShape one;
    one.width = 8;
    one.blocks = 1;
    one.noise = 1;
    one.grid = true;
    one.residual = true;
    return one;
  }
  std::string write(const GeneratorShape& one, const std::string& name, int64_t scale = 2) {
    const nn::Graph graph = generator_graph(one);
    Random random(4);
    WeightsFile file = nn::to_weights(graph, nn::initial_values(graph, random));
    file.metadata = {{"noise", std::to_string(one.noise)},
                     {"grid", one.grid ? "1" : "0"},
                     {"residual", one.residual ? "1" : "0"},
                     {"halvings", std::to_string(one.halvings)},
                     {"trained_scale", std::to_string(scale)}};
    write_safetensors(dir_ / name, file, Overwrite::kYes);
    return (dir_ / name).string();
  }
  test::TempDir dir_;
  torch::Tensor photo_ = torch::rand({1, 3, 48, 40});
};

template <typename Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Generators, HaveThePublishedCounts) {
  EXPECT_EQ(generator_graph({"dsgan", 64, 8}).trained_count(), 594380);
  EXPECT_EQ(generator_graph({.architecture = "high-to-low", .width = 64, .blocks = 2, .halvings = 4, .doublings = 2})
                .trained_count(),
            1336515);
  EXPECT_EQ(generator_graph({"cincgan", 64, 6}).trained_count(), 610176);
}

TEST(Generators, MapsSayWhereJpegBlocksAreAndHoldNoise) {
  const torch::Tensor image = torch::zeros({2, 3, 16, 24});
  const torch::Tensor maps = with_maps(image, 2, true, 7).slice(1, 3);
  ASSERT_EQ(maps.size(1), 6);
  EXPECT_NEAR(maps.slice(1, 0, 2).mean().item<double>(), 0.0, 0.1);
  EXPECT_NEAR(maps.slice(1, 0, 2).std().item<double>(), 1.0, 0.05);
  const torch::Tensor grid = maps.slice(1, 2);
  EXPECT_TRUE(torch::allclose(grid.slice(3, 0, 16), grid.slice(3, 8, 24), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(grid.slice(2, 0, 8), grid.slice(2, 8, 16), 1e-5, 1e-5));
  EXPECT_GT((grid.slice(3, 0, 16) - grid.slice(3, 4, 20)).abs().max().item<double>(), 0.5);
  EXPECT_TRUE(torch::equal(with_maps(image, 2, true, 7), with_maps(image, 2, true, 7)));
  EXPECT_FALSE(torch::equal(with_maps(image, 1, false, 7), with_maps(image, 1, false, 8)));
}

TEST_F(Learned, SameSeedSameBytesAndNoiseFollowsTheSeed) {
  const LearnedDegradation learned(write(shape(), "g.safetensors"));
  const torch::Tensor made = learned.apply(photo_, 5);
  EXPECT_TRUE(torch::equal(made, learned.apply(photo_, 5)));
  EXPECT_FALSE(torch::equal(made, learned.apply(photo_, 6)));
  EXPECT_EQ(made.sizes(), photo_.sizes());
}

TEST_F(Learned, BandsEqualTheWhole) {
  const LearnedDegradation learned(write(shape(), "g.safetensors"));
  // Tall enough for several bands.
  const torch::Tensor tall = torch::rand({1, 3, 2200, 1000});
  const torch::Tensor made = learned.apply(tall, 3);
  nn::Graph graph = generator_graph(shape());
  const torch::Tensor parameters = nn::take_parameters(graph, read_safetensors(dir_ / "g.safetensors"), "g");
  const torch::NoGradGuard no_grad;
  const torch::Tensor whole = nn::Model(std::move(graph)).forward({with_maps(tall, 1, true, 3)}, parameters);
  EXPECT_LT((made - whole.clamp(0.0, 1.0)).abs().max().item<double>(), 1e-5);
}

TEST_F(Learned, HalvesWhereTheNetworkDoes) {
  GeneratorShape one;
  one.architecture = "high-to-low";
  one.width = 8;
  one.blocks = 1;
  one.noise = 1;
  one.halvings = 2;
  one.doublings = 1;
  const std::string path = write(one, "h.safetensors");
  const LearnedDegradation learned(path);
  EXPECT_EQ(learned.shape().factor(), 2);
  EXPECT_EQ(learned.apply(photo_, 1).sizes(), torch::IntArrayRef({1, 3, 24, 20}));
  EXPECT_EQ(size_after(LearnedStep{path, "", 0}, {48, 40}).height, 24);
  EXPECT_THAT(message_of([&] { learned.apply(torch::rand({1, 3, 47, 40}), 1); }), HasSubstr("no multiple"));
}

TEST_F(Learned, ReplaysARecordToTheByte) {
  const std::string path = write(shape(), "g.safetensors");
  const auto recipe = load_recipe(path, {2.0, 2.0});
  Random random(9);
  const std::vector<Step> steps = recipe->draw({48, 40}, random);
  const torch::Tensor made = apply_steps(steps, photo_);
  EXPECT_EQ(made.sizes(), torch::IntArrayRef({1, 3, 24, 20}));
  std::vector<Step> again;
  for (const auto& json : to_json(steps)) again.push_back(step_from_json(json));
  EXPECT_TRUE(torch::equal(apply_steps(again, photo_), made));
  EXPECT_EQ(recipe->describe()["sha256"], sha256_of_file(path));
}

TEST_F(Learned, StandsInRecipeFiles) {
  write(shape(), "g.safetensors");
  write_file_atomically(dir_ / "mine.json", R"({"steps": [{"op": "resize", "to_target": 1.0},
      {"op": "learned", "file": "g.safetensors"}, {"op": "jpeg", "quality": 80}]})",
                        Overwrite::kYes);
  Random random(9);
  const std::vector<Step> steps = load_recipe(dir_ / "mine.json", {2.0, 2.0})->draw({48, 40}, random);
  ASSERT_TRUE(std::holds_alternative<LearnedStep>(steps.at(1)));
  EXPECT_EQ(std::get<LearnedStep>(steps[1]).sha256.size(), 64U);
  EXPECT_EQ(apply_steps(steps, photo_).size(2), 24);
}

TEST_F(Learned, WhatItWasNotTrainedForIsRefused) {
  const std::string path = write(shape(), "g.safetensors");
  EXPECT_THAT(message_of([&] { load_recipe(path, {4.0, 4.0}); }), HasSubstr("was trained for x2, not for x4"));
  EXPECT_THAT(message_of([&] { load_recipe(path, {2.5, 2.5}); }), HasSubstr("whole number"));
  EXPECT_THAT(message_of([&] {
                learned_degradation(path, "")->apply(torch::rand({1, 1, 8, 8}), 0);
              }),
              HasSubstr("has 1 channel"));
  const LearnedStep other{path, std::string(64, '0'), 0};
  EXPECT_THAT(message_of([&] { apply_step(other, photo_); }), HasSubstr("not the file that the record names"));
  WeightsFile nothing;
  nothing.tensors.push_back({"a.weight", torch::zeros({3})});
  write_safetensors(dir_ / "n.safetensors", nothing, Overwrite::kYes);
  EXPECT_THAT(message_of([&] {
                load_recipe(dir_ / "n.safetensors", {2.0, 2.0});
              }),
              HasSubstr("holds no learned degradation"));
}

}  // namespace
}  // namespace zsr
