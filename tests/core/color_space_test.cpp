#include "core/color_space.h"

#include "core/error.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

TEST(ColorSpace, IsFoundByItsName) {
  EXPECT_EQ(color_space_from_name("srgb"), ColorSpace::kSrgb);
  EXPECT_EQ(color_space_from_name("display-p3"), ColorSpace::kDisplayP3);
  EXPECT_EQ(color_space_from_name("linear"), ColorSpace::kLinearSrgb);
  EXPECT_THROW(color_space_from_name("adobe"), OptionError);
}

}  // namespace
}  // namespace zsr
