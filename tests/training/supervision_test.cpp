// Losses of all results of a network against tests/golden/supervision_family.py.
#include "training/supervision.h"

#include "core/error.h"
#include "tests/golden/formula.h"
#include "tests/golden/golden.h"
#include "tests/training/support.h"
#include "training/losses.h"
#include "training/trainer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

TEST(Supervision, LossesAndGradientsEqualNumPy) {
  for (const nlohmann::json& entry : test::read_golden("supervision")) {
    const std::string name = entry.at("name");
    SCOPED_TRACE(name);
    const nlohmann::json& settings = entry.at("runs").at(0).at("settings");
    const int64_t scale = settings.at("scale");
    const networks::Kind& kind = *networks::find_kind(name);
    Random random(1);
    Network network(kind, kind.configured(scale, entry.at("fields").get<std::map<std::string, double>>()), random);
    network.load(test::golden_weights(entry));
    ASSERT_TRUE(network.has_intermediates());
    const torch::Tensor photo = test::golden_tensor(settings.at("photo"));
    const torch::Tensor target = network.target(test::golden_tensor(settings.at("target")));
    const Network::Results results = network.forward_all(photo, network.parameters(), scale, true);
    test::expect_golden(results.made, entry.at("runs").at(0).at("output"));
    const std::vector<LossTerm> terms = parse_losses(entry.at("term"));
    const torch::Tensor loss = supervised_loss(kind.supervision, entry.at("weight"), results, target,
                                               [&](const torch::Tensor& made, const torch::Tensor& wanted) {
                                                 return total_loss(terms, {}, made, wanted, photo);
                                               });
    EXPECT_NEAR(loss.item<double>() / entry.at("loss").get<double>(), 1.0, 1e-4);
    loss.backward();
    const WeightsFile gradient = network.weights(network.parameters().grad());
    for (const auto& [tensor, slope] : entry.at("slopes").items()) {
      const torch::Tensor& own = *gradient.find(tensor);
      const torch::Tensor along = test::formula_tensor("along " + tensor, own.sizes().vec(), 1.0, 0.0);
      // Single precision: of the sum of the products' sizes.
      const double room = 1e-3 * (own * along).abs().sum().item<double>() + 1e-7;
      EXPECT_NEAR((own * along).sum().item<double>(), slope.get<double>(), room) << tensor;
    }
  }
}

TEST(Supervision, TheCompanionsWeightFallsToZero) {
  const SupervisionOptions half{.results = "all"};
  EXPECT_EQ(companion_weight(half, 0, 100), 1.0);
  EXPECT_EQ(companion_weight(half, 25, 100), 0.5);
  EXPECT_EQ(companion_weight(half, 50, 100), 0.0);
  EXPECT_EQ(companion_weight(half, 99, 100), 0.0);
  const SupervisionOptions given{.results = "all", .steps = 10};
  EXPECT_NEAR(companion_weight(given, 1, 100), 0.9, 1e-12);
  EXPECT_THROW(SupervisionOptions{.results = "some"}.validate(), OptionError);
}

struct DrcnRun {
  explicit DrcnRun(const std::string& results, const std::string& name = "drcn")
      : network(make_network(name)),
        source(photos(), network.condition(), {.scales = network.scales(), .batch = 4, .patch = 12, .seed = 5}),
        validation({}, network),
        trainer(network, source, validation, options(results), 4, alone) {}
  static TrainOptions options(const std::string& results) {
    TrainOptions options;
    options.schedule = {.steps = 12, .warm_up = 2};
    options.supervision.results = results;
    options.save_every = 6;
    return options;
  }
  void run(int64_t stop_after = 100) {
    RunContext context;
    context.progress = [=](const Progress& now) {
      return now.step >= stop_after ? ProgressAction::kStop : ProgressAction::kContinue;
    };
    trainer.run(context, {});
  }
  torch::Tensor values() const { return network.parameters().detach(); }
  Network network;
  PatchSource source;
  Validation validation;
  Communicator alone;
  Trainer trainer;
};

TEST(Supervision, AResumedRunKnowsTheWeight) {
  DrcnRun whole("all");
  whole.run();
  DrcnRun first("all");
  first.run(4);
  DrcnRun second("all");
  second.trainer.restore(first.trainer.checkpoint());
  second.run();
  EXPECT_EQ(max_difference(second.values(), whole.values()), 0.0);
  DrcnRun final_only("final");
  EXPECT_THROW(final_only.trainer.restore(first.trainer.checkpoint()), InputError);
  final_only.run();
  EXPECT_GT(max_difference(final_only.values(), whole.values()), 1e-5);
}

// The levels of LapSRN are its scales: the loss of x4 also trains what x2 alone needs.
TEST(Supervision, EveryLevelOfAPyramidLearnsFromTheLargest) {
  Random random(1);
  const networks::Kind& kind = *networks::find_kind("lapsrn");
  const Network network(kind, kind.configured(4, {{"width", 16.0}, {"depth", 2.0}}), random);
  const torch::Tensor photo = torch::rand({1, 3, 9, 8});
  const Network::Results results = network.forward_all(photo, network.parameters().detach(), 4);
  ASSERT_EQ(results.on_the_way.size(), 1U);
  EXPECT_EQ(results.on_the_way[0].size, 0.5);
  EXPECT_EQ(max_difference(results.on_the_way[0].made, network.forward(photo, network.parameters().detach(), 2)), 0.0);
  EXPECT_TRUE(network.forward_all(photo, network.parameters().detach(), 2).on_the_way.empty());
}

TEST(Supervision, IsRefusedForASingleResult) {
  EXPECT_THROW(DrcnRun("all", "edsr"), OptionError);
}

// What stands on the way costs a result alone nothing and does not change it.
TEST(Supervision, AResultAloneIsTheSame) {
  for (const char* const name : {"drcn", "srfbn"}) {
    Random random(1);
    const networks::Kind& kind = *networks::find_kind(name);
    const Network network(kind, kind.configured(2, {{"width", 16.0}}), random);
    const torch::Tensor photo = torch::rand({1, 3, 9, 8});
    const torch::NoGradGuard no_grad;
    const Network::Results all = network.forward_all(photo, network.parameters());
    EXPECT_EQ(all.on_the_way.size(), name == std::string("drcn") ? 16U : 3U);
    EXPECT_LT(max_difference(all.made, network.forward(photo, network.parameters())), 1e-5);
  }
}

}  // namespace
}  // namespace zsr::training
