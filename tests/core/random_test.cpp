#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace zsr {
namespace {

TEST(Random, SameSeedSameSequenceOtherSeedOther) {
  Random a(7);
  Random b(7);
  Random c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.bits();
    EXPECT_EQ(value, b.bits());
    differs |= value != c.bits();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, StreamsDiffer) {
  std::set<uint64_t> seeds;
  for (const char* name : {"weights", "pairs", "noise", ""}) seeds.insert(derive_seed(0, name));
  EXPECT_EQ(seeds.size(), 4U);
  EXPECT_EQ(derive_seed(5, "pairs"), derive_seed(5, "pairs"));
}

TEST(Random, MomentsAreThoseOfTheDistributions) {
  Random random(3);
  constexpr int kCount = 200000;
  double mean = 0;
  double normal_mean = 0;
  double normal_square = 0;
  for (int i = 0; i < kCount; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    mean += u / kCount;
    const double n = random.normal();
    normal_mean += n / kCount;
    normal_square += n * n / kCount;
  }
  // Five standard errors.
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(normal_mean, 0.0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(normal_square, 1.0, 5 * std::sqrt(2.0 / kCount));
}

TEST(Random, IndexStaysInRangeAndReachesAll) {
  Random random(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.index(5));
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace zsr
