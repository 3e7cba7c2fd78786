#include "core/error.h"
#include "pipeline/upscale.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::pipeline {
namespace {

// Deep Image Prior over a photo that is large enough to be announced: 520 x 520 pixels.
class DipCostTest : public ::testing::Test {
 protected:
  DipCostTest() {
    photo_.color = torch::full({1, 1, 260, 260}, 0.5);
    request_.method = "dip";
    request_.scale = {2.0, 2.0};
    context_.progress = [this](const Progress&) {
      ++steps_;
      return ProgressAction::kAbort;
    };
  }

  Photo photo_;
  Request request_;
  RunContext context_;
  int steps_ = 0;
};

TEST_F(DipCostTest, IsSaidBeforeTheFirstStep) {
  Hooks hooks;
  std::string said;
  hooks.note = [&](const std::string& sentence) {
    said = sentence;
    throw Cancelled("seen");
  };
  EXPECT_THROW(upscale(photo_, request_, context_, hooks), Cancelled);
  EXPECT_EQ(steps_, 0);
  for (const char* const part : {"520x520 needs", "GB of memory", "s a step", "for all 2000 steps", "--time"}) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  }
}

TEST_F(DipCostTest, RefusesATimeThatIsTooShortForAStep) {
  context_.time_budget_s = 1e-3;
  try {
    upscale(photo_, request_, context_, {});
    FAIL() << "nothing was refused";
  } catch (const OptionError& error) {
    EXPECT_NE(std::string(error.what()).find("520x520"), std::string::npos) << error.what();
  }
  EXPECT_EQ(steps_, 0);
}

TEST_F(DipCostTest, PiecesOfALargeResultAreCounted) {
  photo_.color = torch::full({1, 1, 600, 600}, 0.5);
  request_.dip.piece = 640;
  Hooks hooks;
  std::string said;
  hooks.note = [&](const std::string& sentence) {
    said = sentence;
    throw Cancelled("seen");
  };
  EXPECT_THROW(upscale(photo_, request_, context_, hooks), Cancelled);
  EXPECT_NE(said.find("1200x1200 in 4 pieces"), std::string::npos) << said;
  EXPECT_NE(said.find("for all 5000 steps"), std::string::npos) << said;
}

}  // namespace
}  // namespace zsr::pipeline
