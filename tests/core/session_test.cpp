#include "core/session.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace zsr {
namespace {

TEST(Session, ReportsStagesAndRemembersAStop) {
  RunContext context;
  std::vector<Progress> seen;
  context.progress = [&](const Progress& progress) {
    seen.push_back(progress);
    return seen.size() == 2 ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  Session session(context);
  session.report("train", 1, 3, 0.5);
  EXPECT_FALSE(session.stopped());
  session.report("train", 2, 3);
  session.report("train", 3, 3);
  EXPECT_TRUE(session.stopped());
  EXPECT_EQ(session.termination(), Termination::kStopped);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].stage, "train");
  EXPECT_EQ(seen[0].loss, 0.5);
  EXPECT_EQ(seen[1].step, 2);
  EXPECT_GE(seen[2].elapsed_s, seen[0].elapsed_s);
}

TEST(Session, AbortSaysWhatRemains) {
  RunContext context;
  context.progress = [](const Progress&) { return ProgressAction::kAbort; };
  Session session(context, "the last checkpoint stands");
  try {
    session.report("train", 1, 2);
    FAIL() << "no exception";
  } catch (const Cancelled& error) {
    EXPECT_STREQ(error.what(), "stopped on request; the last checkpoint stands");
  }
}

TEST(Session, TimeBudget) {
  RunContext context;
  EXPECT_TRUE(std::isinf(Session(context).time_left_s()));
  EXPECT_EQ(Session(context).termination(Termination::kConverged), Termination::kConverged);
  context.time_budget_s = -1.0;
  const Session session(context);
  EXPECT_TRUE(session.out_of_time());
  EXPECT_EQ(session.termination(), Termination::kTimeBudget);
}

}  // namespace
}  // namespace zsr
