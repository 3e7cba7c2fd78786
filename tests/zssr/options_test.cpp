#include "zssr/options.h"

#include "core/error.h"
#include "zssr/start.h"

#include <gtest/gtest.h>

#include <cmath>

namespace zsr::zssr {
namespace {

TEST(ZssrOptions, EveryPresetIsValidAtEveryScale) {
  for (const std::string& name : preset_names()) {
    for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{4, 4}, Scale{1.5, 1.5}, Scale{1, 2}, Scale{8, 8}}) {
      EXPECT_NO_THROW(preset(name, scale).validate()) << name;
    }
  }
}

TEST(ZssrOptions, AStartGoesInOneJumpAndTunesOnlyWhereThePhotoIsLikeItself) {
  for (const int64_t scale : {2, 3, 4}) {
    const auto start = Start::shipped("zssr-start-x" + std::to_string(scale));
    const auto s = static_cast<double>(scale);
    const Options options = with_start(preset("default", {s, s}), start);
    EXPECT_NO_THROW(options.validate());
    EXPECT_TRUE(options.gradual.empty());
    EXPECT_EQ(options.training.max_steps > 0, scale == 2);
  }
}

TEST(ZssrOptions, PaperPresetHasTheReleasedValues) {
  const Options options = preset("paper", {2, 2});
  EXPECT_EQ(options.network.depth, 8);
  EXPECT_EQ(options.network.width, 64);
  EXPECT_EQ(options.pairs.crop, 128);
  EXPECT_EQ(options.pairs.batch, 1);
  EXPECT_EQ(options.training.max_steps, 3000);
  EXPECT_EQ(options.slope_rule.min_steps, 256);
  EXPECT_DOUBLE_EQ(options.training.learning_rate, 1e-3);
  EXPECT_DOUBLE_EQ(options.slope_rule.min_learning_rate, 9e-6);
  EXPECT_DOUBLE_EQ(options.network.init_variance, 0.1);
  EXPECT_DOUBLE_EQ(options.pairs.leave_as_is_probability, 0.05);
  EXPECT_DOUBLE_EQ(options.pairs.no_interpolation_probability, 0.45);
  EXPECT_EQ(options.output.back_projection, 10);
  EXPECT_TRUE(options.output.self_ensemble);
  EXPECT_EQ(options.output.ensemble_rule, EnsembleRule::kMedian);
  EXPECT_EQ(options.training.step_rule, StepRule::kAdam);
  EXPECT_DOUBLE_EQ(options.training.adam_beta2, 0.999);
  EXPECT_FALSE(options.pairs.shuffle_channels);
}

TEST(ZssrOptions, GradualPresetHasTheReleasedSteps) {
  const Options options = preset("paper-gradual", {2, 2});
  const std::vector<Scale> want = {{1, 1.5}, {1.5, 1}, {1.5, 1.5}, {1.5, 2}, {2, 1.5}};
  EXPECT_EQ(options.gradual, want);
  EXPECT_EQ(options.output.gradual_back_projection, (std::vector<int64_t>{6, 6, 8, 10, 10}));
  EXPECT_EQ(options.output.back_projection, 12);
}

TEST(ZssrOptions, LargeScalesGoByWholeOrHalfSteps) {
  for (const char* name : {"default", "paper"}) {
    const std::vector<Scale> whole = {{2, 2}, {3, 3}};
    const std::vector<Scale> halves = {{1.5, 1.5}, {2, 2}, {2.5, 2.5}, {3, 3}, {3.5, 3.5}};
    EXPECT_EQ(preset(name, {4, 4}).gradual, std::string_view(name) == "paper" ? halves : whole) << name;
    EXPECT_TRUE(preset(name, {1.5, 1.5}).gradual.empty());
  }
  for (const char* name : {"default", "kernel", "real"}) EXPECT_TRUE(preset(name, {2, 2}).gradual.empty()) << name;
  EXPECT_EQ(preset("paper", {2, 2}).gradual, (std::vector<Scale>{{1.5, 1.5}}));
  EXPECT_EQ(preset("paper", {2, 1.2}).gradual, (std::vector<Scale>{{1.5, 1.2}}));
}

TEST(ZssrOptions, ErrorsNameFieldValueAndRange) {
  const auto refused = [](auto change, const char* text) {
    Options options;
    change(options);
    try {
      options.validate();
      FAIL() << "accepted: " << text;
    } catch (const OptionError& error) {
      EXPECT_STREQ(error.what(), text);
    }
  };
  refused([](Options& o) { o.training.max_steps = 0; }, "max_steps = 0, must be > 0");
  refused([](Options& o) { o.scale = {0.5, 2}; }, "scale = 0.5, must be from 1 to 16");
  refused([](Options& o) { o.scale = {1, 1}; }, "scale = 1, must be > 1");
  refused([](Options& o) { o.scale = {1000, 2}; }, "scale = 1000, must be from 1 to 16");
  refused([](Options& o) { o.training.learning_rate = -1; }, "learning_rate = -1, must be > 0");
  refused([](Options& o) { o.pairs.crop = 4; }, "crop = 4, must be >= 8 pixels");
  refused([](Options& o) { o.output.tile = 5; }, "tile = 5, must be 0 (automatic) or >= 16 pixels");
  refused([](Options& o) { o.pairs.son_noise = 2; }, "son_noise = 2, must be in [0, 1]");
  refused([](Options& o) { o.scale = {std::nan(""), 2}; }, "scale = nan, must be from 1 to 16");
  EXPECT_THROW(preset("papr", {2, 2}), OptionError);
}

}  // namespace
}  // namespace zsr::zssr
