#include "tests/golden/formula.h"

#include "tests/golden/golden.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::test {
namespace {

TEST(Formula, IsTheSameInNumPy) {
  for (const nlohmann::json& entry : read_golden("formula")) {
    const auto wanted = entry.at(1).get<std::vector<float>>();
    const torch::Tensor found = formula_tensor(entry.at(0).get<std::string>(), {5}, 0.3, 0.1);
    EXPECT_TRUE(torch::equal(found, torch::tensor(wanted))) << entry;
  }
}

TEST(Formula, IsEvenlySpread) {
  const torch::Tensor values = formula_tensor("body.0.weight", {100, 1000}, 1.0, 0.0);
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.01);
  EXPECT_NEAR(values.square().mean().item<double>(), 1.0 / 3.0, 0.01);
  EXPECT_LT(values.max().item<double>(), 1.0);
  EXPECT_GE(values.min().item<double>(), -1.0);
}

}  // namespace
}  // namespace zsr::test
