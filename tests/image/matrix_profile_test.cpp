#include "image/matrix_profile.h"

#include "image/made_metadata.h"
#include "image/photo.h"
#include "image/vips_image.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <filesystem>

namespace zsr {
namespace {

// `color` (16 bits a sample) of a picture with that profile, in sRGB, by libvips' colour management (LittleCMS).
std::array<double, 3> in_srgb(ColorSpace space, std::array<double, 3> color) {
  Photo photo;
  photo.color =
      torch::tensor({static_cast<float>(color[0]), static_cast<float>(color[1]), static_cast<float>(color[2])})
          .view({1, 3, 1, 1})
          .expand({1, 3, 4, 4})
          .contiguous();
  photo.bit_depth = 16;
  photo.metadata = made_metadata({}, matrix_profile(space));
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "zsr_profile_test.png";
  save_photo(photo, path, {.format = ImageFormat::kPng, .overwrite = Overwrite::kYes});
  start_vips();
  const ImagePtr image(vips_image_new_from_file(path.c_str(), nullptr));
  VipsImage* made = nullptr;
  EXPECT_EQ(vips_icc_transform(image.get(), &made, "srgb", "embedded", TRUE, "depth", 16, "intent",
                               VIPS_INTENT_RELATIVE, nullptr),
            0)
      << vips_error_buffer();
  const ImagePtr result(made);
  double* values = nullptr;
  int count = 0;
  EXPECT_EQ(vips_getpoint(result.get(), &values, &count, 1, 1, nullptr), 0);
  const std::array<double, 3> found{values[0] / 65535.0, values[1] / 65535.0, values[2] / 65535.0};
  g_free(values);
  std::filesystem::remove(path);
  return found;
}

void expect_near(const std::array<double, 3>& found, const std::array<double, 3>& wanted) {
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(found[c], wanted[c], 3e-3);
}

TEST(MatrixProfile, MeansItsColorSpace) {
  expect_near(in_srgb(ColorSpace::kSrgb, {0.7, 0.4, 0.2}), {0.7, 0.4, 0.2});
  // sRGB 0.5 is linear 0.2140.
  expect_near(in_srgb(ColorSpace::kLinearSrgb, {0.2140, 0.2140, 0.0331}), {0.5, 0.5, 0.2});
  // sRGB's (0.8, 0.4, 0.3) in P3, by the matrix between both and the curve.
  expect_near(in_srgb(ColorSpace::kDisplayP3, {0.7485, 0.4216, 0.3257}), {0.8, 0.4, 0.3});
}

}  // namespace
}  // namespace zsr
