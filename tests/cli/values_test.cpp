
#include "core/values.h"

#include "core/error.h"
#include "image/resize.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

TEST(Values, Scales) {
  EXPECT_EQ(parse_scale("2"), (Scale{2, 2}));
  EXPECT_EQ(parse_scale("1.5"), (Scale{1.5, 1.5}));
  EXPECT_EQ(parse_scale("2x1"), (Scale{1, 2}));  // horizontal x vertical
  for (const char* bad : {"", "two", "2y3", "x2", "1", "0.5", "-2", "nan", "inf", "2x", "2x3x4", "1x1", "2 3"}) {
    EXPECT_THROW(parse_scale(bad), OptionError) << bad;
  }
  EXPECT_EQ(format_scale({2, 1.5}), "1.5x2");
}

TEST(Values, Durations) {
  EXPECT_DOUBLE_EQ(parse_duration("90", "time"), 90);
  EXPECT_DOUBLE_EQ(parse_duration("60s", "time"), 60);
  EXPECT_DOUBLE_EQ(parse_duration("1.5m", "time"), 90);
  EXPECT_DOUBLE_EQ(parse_duration("2h", "time"), 7200);
  for (const char* bad : {"", "s", "0", "-5s", "5 parsecs", "1d"})
    EXPECT_THROW(parse_duration(bad, "time"), OptionError) << bad;
}

TEST(Values, Counts) {
  EXPECT_EQ(parse_count("200M", "max-pixels"), 200000000);
  EXPECT_EQ(parse_count("1.5k", "max-pixels"), 1500);
  for (const char* bad : {"", "0", "-1", "many", "1e99"})
    EXPECT_THROW(parse_count(bad, "max-pixels"), OptionError) << bad;
}

}  // namespace
}  // namespace zsr
