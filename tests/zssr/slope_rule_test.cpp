#include "zssr/slope_rule.h"

#include <gtest/gtest.h>

namespace zsr::zssr {
namespace {

// numpy.polyfit of these points: slope -0.009; its covariance times 3 is what numpy < 1.16 gave for five points.
TEST(FitLine, MatchesNumpyOfTheReleaseTime) {
  const LineFit fit = fit_line({0, 50, 100, 150, 200}, {5, 4.2, 4.4, 3.1, 3.3});
  EXPECT_NEAR(fit.slope, -0.009, 1e-12);
  EXPECT_NEAR(fit.sigma, 0.004358898943540673, 1e-12);
}

Options slope_options() {
  return paper_options({2, 2});
}

// Runs the rule as the trainer does; `error` gives the test error at a step. Returns the step at which it finished, -1
// never.
template <typename Error>
int64_t run_rule(SlopeRule& rule, int64_t steps, Error error) {
  for (int64_t step = 0; step < steps; ++step) {
    if (step % 50 == 0) rule.add_test(step, error(step));
    rule.after_step(step);
    if (rule.finished()) return step;
  }
  return -1;
}

TEST(SlopeRule, KeepsTheRateWhileTheErrorFalls) {
  const Options options = slope_options();
  SlopeRule rule(options);
  EXPECT_EQ(run_rule(rule, 2000, [](int64_t step) { return 1.0 - 1e-4 * static_cast<double>(step); }), -1);
  EXPECT_DOUBLE_EQ(rule.learning_rate(), 1e-3);
}

TEST(SlopeRule, ThreeReductionsEndTheRun) {
  const Options options = slope_options();
  SlopeRule rule(options);
  // Noise without a trend: reduced at the first check more than 256 steps after the last change: 299, 599, 899.
  const auto noise = [](int64_t step) { return (step / 50) % 2 == 0 ? 1.0 : 2.0; };
  EXPECT_EQ(run_rule(rule, 3000, noise), 899);
  EXPECT_LT(rule.learning_rate(), 9e-6);
}

TEST(SlopeRule, NeverBeforeMinSteps) {
  const Options options = slope_options();
  SlopeRule rule(options);
  run_rule(rule, 257, [](int64_t) { return 1.0; });
  EXPECT_DOUBLE_EQ(rule.learning_rate(), 1e-3);
}

}  // namespace
}  // namespace zsr::zssr
