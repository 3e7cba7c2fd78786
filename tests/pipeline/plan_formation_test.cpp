#include "core/error.h"
#include "pipeline/methods.h"
#include "pipeline/photo_formation.h"
#include "pipeline/upscale.h"
#include "pipeline/zssr_options.h"
#include "zssr/start.h"

#include <gtest/gtest.h>

namespace zsr::pipeline {
namespace {

using KernelSource = KernelRequest::Source;
using NoiseSource = NoiseRequest::Source;

TEST(PlanFormation, BlindMethodsEstimateWhatNobodyNamed) {
  for (const char* const method : {"zssr", "srmd", "usrnet"}) {
    const FormationPlan plan = plan_formation({}, method);
    EXPECT_TRUE(plan.estimate_kernel) << method;
    EXPECT_TRUE(plan.estimate_noise) << method;
    EXPECT_EQ(plan.kernel_name, "auto") << method;
    EXPECT_TRUE(plan.kernels.empty()) << method;
    EXPECT_FALSE(plan.reason.empty()) << method;
  }
}

TEST(PlanFormation, OthersTakeTheBicubicKernel) {
  for (const Method& method : methods()) {
    if (method.blind) continue;
    const FormationPlan plan = plan_formation({}, method.name);
    EXPECT_FALSE(plan.estimate_kernel) << method.name;
    EXPECT_FALSE(plan.estimate_noise) << method.name;
    EXPECT_EQ(plan.kernel_name, "bicubic") << method.name;
    EXPECT_FALSE(plan.reason.empty()) << method.name;
  }
}

TEST(PlanFormation, WhatCannotBeEstimatedIsBicubic) {
  const auto estimates = [](const Request& request) { return plan_formation(request, "zssr").estimate_kernel; };
  Request request;
  EXPECT_TRUE(estimates(request));
  request.scale = {2.0, 1.5};
  EXPECT_FALSE(estimates(request));
  request.scale = {9.0, 9.0};
  EXPECT_FALSE(estimates(request));
  request = {};
  request.phase = Phase{};
  EXPECT_FALSE(estimates(request));
  request = {};
  request.zssr.preset = "paper";
  EXPECT_FALSE(estimates(request));
  EXPECT_FALSE(plan_formation(request, "zssr").estimate_noise);
}

TEST(LookAtPhoto, DrawingsAreNotBackProjectedUnlessAsked) {
  torch::Tensor drawing = torch::ones({1, 3, 96, 96});
  for (int64_t i = 0; i < 4; ++i) drawing.slice(2, 10 + 20 * i, 14 + 20 * i).slice(3, 8, 80).fill_(0.1F);
  const auto iterations = [&](const Request& request) {
    const PhotoFormation found = look_at_photo(drawing, request, "zssr", std::nullopt, {});
    EXPECT_FALSE(found.restore_strength);
    return found.zssr.output.back_projection;
  };
  Request request;
  EXPECT_EQ(iterations(request), 0);
  request.back_projection = 5;
  EXPECT_EQ(iterations(request), 5);
}

TEST(PlanFormation, WhatTheUserNamesStands) {
  Request request;
  request.kernel.source = KernelSource::kBicubic;
  EXPECT_FALSE(plan_formation(request, "zssr").estimate_kernel);
  EXPECT_FALSE(plan_formation(request, "zssr").estimate_noise);
  request.kernel = {KernelSource::kGiven, gaussian_kernel(7, 1.0, 1.0), "mine.mat"};
  request.noise = {NoiseSource::kGiven, 4.0};
  const FormationPlan plan = plan_formation(request, "srmd");
  ASSERT_EQ(plan.kernels.size(), 1U);
  EXPECT_EQ(plan.kernel_name, "mine.mat");
  EXPECT_EQ(plan.noise, 4.0);
  EXPECT_FALSE(plan.estimate_noise);
  request.kernel = {KernelSource::kEstimated, {}, "auto"};
  EXPECT_TRUE(plan_formation(request, "dip").estimate_kernel);
  EXPECT_FALSE(plan_formation(request, "srmd").estimate_noise);  // given
}

TEST(PlanFormation, AnEstimateThatCannotBeMadeIsRefused) {
  Request request;
  request.kernel.source = KernelSource::kEstimated;
  request.scale = {2.0, 1.5};
  EXPECT_THROW(plan_formation(request, "zssr"), OptionError);
  request.scale = {2.0, 2.0};
  request.phase = Phase{};
  EXPECT_THROW(plan_formation(request, "zssr"), OptionError);
  EXPECT_THROW(prepared(request), OptionError);
}

TEST(PlanFormation, KernelsOfAGridTakeThePlaceOfOne) {
  Request request;
  request.kernel_grid = {1, 2, {gaussian_kernel(7, 1.0, 1.0), gaussian_kernel(7, 2.0, 2.0)}};
  const FormationPlan plan = plan_formation(request, "srmd");
  EXPECT_EQ(plan.kernels.size(), 2U);
  EXPECT_FALSE(plan.estimate_kernel);
}

TEST(ZssrRequestOptions, SettingsGoOverThePreset) {
  Request request;
  EXPECT_TRUE(has_own_start(request));
  EXPECT_NE(zssr_options(request).start, nullptr);
  EXPECT_EQ(zssr_options(request, true).start, nullptr);
  request.zssr.channels = 16;
  EXPECT_FALSE(has_own_start(request));
  request.steps = 7;
  request.ensemble = false;
  request.back_projection = 2;
  const zssr::Options options = zssr_options(request);
  EXPECT_EQ(options.network.width, 16);
  EXPECT_EQ(options.training.max_steps, 7);
  EXPECT_FALSE(options.output.self_ensemble);
  EXPECT_EQ(options.output.back_projection, 2);
  request.zssr.depth = 1;
  EXPECT_THROW(zssr_options(request), OptionError);
}

TEST(ZssrRequestOptions, TheStartForBicubicPhotosIsForThemAlone) {
  const Request request;
  const auto start = [&](const auto& change) {
    zssr::Options options = zssr_options(request);
    change(options);
    choose_start(request, options);
    return std::pair(options.start->name, options.training.max_steps);
  };
  using Start = std::pair<std::string, int64_t>;
  EXPECT_EQ(start([](zssr::Options&) {}), Start("edsr-light-x2", 0));
  EXPECT_EQ(start([](zssr::Options& o) { o.phase = centered_phase({2, 2}); }), Start("edsr-light-x2", 0));
  EXPECT_EQ(start([](zssr::Options& o) { o.phase = Phase{}; }), Start("zssr-start-x2", 60));
  EXPECT_EQ(start([](zssr::Options& o) { o.pairs.son_noise = 0.01; }), Start("zssr-start-x2", 60));
  EXPECT_EQ(start([](zssr::Options& o) { o.kernels = {gaussian_kernel(9, 1.0, 1.0)}; }), Start("zssr-start-x2", 0));
}

TEST(ZssrRequestOptions, NamedStepsAreTakenFromAnyStart) {
  Request request;
  request.steps = 2;
  zssr::Options options = zssr_options(request);
  choose_start(request, options);
  EXPECT_EQ(options.start->name, "edsr-light-x2");
  EXPECT_EQ(options.training.max_steps, 2);
  // An EDSR knows no blur and has to learn it.
  request = {};
  request.zssr.start = zssr::Start::shipped("edsr-light-x2");
  options = zssr_options(request);
  options.kernels = {gaussian_kernel(9, 1.0, 1.0)};
  choose_start(request, options);
  EXPECT_EQ(options.training.max_steps, 60);
}

}  // namespace
}  // namespace zsr::pipeline
