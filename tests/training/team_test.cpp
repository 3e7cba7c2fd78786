#include "training/team.h"

#include "core/error.h"
#include "tests/training/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <gmock/gmock.h>

namespace zsr::training {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

// One network alone, then two with a judge, in a circle: what one makes, made smaller, goes through the other.
Json plan_json() {
  return Json::parse(R"json({
    "scale": 2,
    "networks": {"up": {"network": "edsr", "width": 16, "depth": 2},
                 "other": {"network": "srresnet", "width": 16, "depth": 2, "learning_rate": 0.001}},
    "judges": {"eye": {"network": "patch", "width": 8}},
    "stages": [
      {"steps": 3, "train": ["up"], "loss": ["1 l1 up(lr) hr"]},
      {"steps": 3, "train": ["up", "other"], "loss": ["0.5 l1 up(lr) other(lr)", "0.5 l2 up(small(other(lr))) hr",
                                                     "0.01 eye other(lr)"]}]
})json");
}

PatchSource make_patches(int64_t batch = 2) {
  return {photos(), Condition::kNone, {.scales = {2}, .batch = batch, .patch = 16, .seed = 5}};
}

RunContext until(int64_t last) {
  RunContext context;
  context.progress = [=](const Progress& now) {
    return now.step >= last ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  return context;
}

torch::Tensor all_values(const Team& team) {
  std::vector<torch::Tensor> all;
  for (const NamedTensor& entry : team.checkpoint().tensors) all.push_back(entry.tensor.flatten());
  return torch::cat(all);
}

std::string refusal(const Json& json) {
  try {
    TeamPlan::from_json(json, "plan.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Team, MembersOfAStageLearnAndOthersStandStill) {
  const PatchSource source = make_patches();
  Team team(TeamPlan::from_json(plan_json(), "plan"), source, 1);
  const auto value_of = [&](const std::string& name) { return *team.checkpoint().find(name); };
  const torch::Tensor up = value_of("up.values"), other = value_of("other.values"), eye = value_of("eye.values");
  team.run(100, until(3), {});
  EXPECT_GT(max_difference(value_of("up.values"), up), 1e-5);
  EXPECT_EQ(max_difference(value_of("other.values"), other), 0.0);
  EXPECT_EQ(max_difference(value_of("eye.values"), eye), 0.0);
  team.run(100, {}, {});
  EXPECT_EQ(team.step(), 6);
  EXPECT_GT(max_difference(value_of("other.values"), other), 1e-5);
  EXPECT_GT(max_difference(value_of("eye.values"), eye), 1e-6);
}

TEST(Team, GoesOnFromItsCheckpointWithTheSameBytes) {
  const TeamPlan plan = TeamPlan::from_json(plan_json(), "plan");
  const PatchSource source = make_patches();
  Team whole(plan, source, 1);
  whole.run(100, {}, {});
  Team first(plan, source, 1);
  first.run(100, until(4), {});
  Team second(plan, source, 2);
  second.restore(first.checkpoint());
  second.run(100, {}, {});
  EXPECT_TRUE(torch::equal(all_values(second), all_values(whole)));
}

TEST(Team, AnotherPlansCheckpointIsRefused) {
  Json other = plan_json();
  other["stages"][0]["steps"] = 4;
  const PatchSource source = make_patches();
  const Team team(TeamPlan::from_json(plan_json(), "plan"), source, 1);
  Team second(TeamPlan::from_json(other, "plan"), source, 1);
  EXPECT_THROW(second.restore(team.checkpoint()), InputError);
}

TEST(Team, TheCheckpointOfOtherBatchesOrRatesIsRefused) {
  const TeamPlan plan = TeamPlan::from_json(plan_json(), "plan");
  const PatchSource source = make_patches();
  const Team team(plan, source, 1);
  const auto refusal_of = [&](const TeamPlan& own, const PatchSource& patches) {
    Team second(own, patches, 1);
    try {
      second.restore(team.checkpoint());
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal_of(plan, source), "");
  EXPECT_THAT(refusal_of(plan, make_patches(4)), HasSubstr("it has batch 2 instead of 4"));
  TeamPlan faster = plan;
  faster.members[1].learning_rate = 0.1;
  EXPECT_THAT(refusal_of(faster, source), HasSubstr("network other srresnet x2 rate 0.001"));
}

TEST(Team, WeightsLoadAsTheNetworkTheyAre) {
  const PatchSource source = make_patches();
  const Team team(TeamPlan::from_json(plan_json(), "plan"), source, 1);
  EXPECT_EQ(networks::recognise(team.weights("up"))->name, "edsr");
  EXPECT_EQ(networks::recognise(team.weights("other"))->name, "srresnet");
}

TEST(TeamPlan, SaysWhatIsWrong) {
  Json json = plan_json();
  json["stages"][0]["train"] = {"down"};
  EXPECT_THAT(refusal(json), HasSubstr("'down' is no network of the plan"));
  json = plan_json();
  json["networks"]["up"]["network"] = "srmd";
  EXPECT_THAT(refusal(json), HasSubstr("srmd cannot be trained with others"));
  json = plan_json();
  json["stages"][1]["loss"] = {"1 ear up(lr)"};
  EXPECT_THAT(refusal(json), HasSubstr("'ear' is none of l1, l2, charbonnier, tv, content and no judge"));
  json["stages"][1]["loss"] = {"heavy l1 up(lr) hr"};
  EXPECT_THAT(refusal(json), HasSubstr("stage 2: loss 'heavy l1 up(lr) hr'"));
  json = plan_json();
  json["networks"]["up"]["depth"] = 1;
  EXPECT_THAT(refusal(json), HasSubstr("network 'up': depth = 1"));
  json = plan_json();
  json["jduges"] = Json::object();
  EXPECT_THAT(refusal(json), HasSubstr("the plan: unknown field 'jduges'; there are scale, networks"));
  json = plan_json();
  json.erase("networks");
  EXPECT_THAT(refusal(json), HasSubstr("the plan: 'networks' is missing"));
  json = plan_json();
  json["scale"] = 2.5;
  EXPECT_THAT(refusal(json), HasSubstr("'scale' is 2.5, must be a whole number"));
  json = plan_json();
  json["networks"]["up"]["learning_rate"] = -1;
  EXPECT_THAT(refusal(json), HasSubstr("network 'up': learning_rate = -1, must be > 0"));
  json = plan_json();
  json["stages"][0]["steps"] = "ten";
  EXPECT_THAT(refusal(json), HasSubstr("stage 1: 'steps' is"));
  json = plan_json();
  json["stages"] = Json::array();
  EXPECT_THAT(refusal(json), HasSubstr("no stage"));
}

TEST(Team, ImagesOfDifferentSizesAreRefused) {
  Json json = plan_json();
  json["stages"][0]["loss"] = {"1 l1 up(lr) lr"};
  const PatchSource source = make_patches();
  Team team(TeamPlan::from_json(json, "plan"), source, 1);
  try {
    team.run(100, {}, {});
    FAIL();
  } catch (const OptionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("l1 of up(lr) and lr: 32x32 and 16x16 pixels"));
  }
}

}  // namespace
}  // namespace zsr::training
