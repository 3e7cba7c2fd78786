// SRMD, and its maps on EDSR's trunk, against outputs that tests/golden/make.py computed in NumPy.
#include "tests/golden/golden.h"

#include "srmd/network.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::srmd {
namespace {

TEST(SrmdGolden, Outputs) {
  test::expect_golden_family("srmd", [](const WeightsFile& weights, const auto&, const nlohmann::json& settings) {
    EXPECT_TRUE(is_srmd(weights));
    return Network(weights).forward(test::golden_tensor(settings.at("maps")));
  });
}

}  // namespace
}  // namespace zsr::srmd
