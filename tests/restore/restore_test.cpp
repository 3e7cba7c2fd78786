#include "restore/restore.h"

#include "core/error.h"
#include "degradations/recipe.h"
#include "image/metrics.h"
#include "image/photo.h"
#include "image/resize.h"
#include "nn/weights/shipped.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::restore {
namespace {

torch::Tensor sharp_photo() {
  return load_photo(ZSR_SOURCE_DIR "/examples/coffee_192x128.png").color.slice(2, 0, 120).slice(3, 0, 160).contiguous();
}

torch::Tensor with_noise(const torch::Tensor& photo, double level) {
  torch::manual_seed(5);
  return quantize((photo + torch::randn_like(photo) * (level / 255.0)).clamp(0.0, 1.0));
}

double psnr(const torch::Tensor& image, const torch::Tensor& reference) {
  return compare_images(image, reference, {}).psnr_y;
}

torch::Tensor restored(const torch::Tensor& photo, const Options& options) {
  return run(photo, look_at_condition(photo), Models::shipped(), options).image;
}

TEST(Restore, RemovesNoiseAtThePhotosOwnSize) {
  const torch::Tensor clean = sharp_photo();
  const torch::Tensor noisy = with_noise(clean, 20.0);
  Options options;
  options.scale = {1.0, 1.0};
  options.detail = 0.0;
  EXPECT_GT(psnr(restored(noisy, options), clean), psnr(noisy, clean) + 3.0);
}

TEST(Restore, EnlargesDegradedPhotosBetterThanInterpolation) {
  const torch::Tensor clean = sharp_photo();
  const torch::Tensor small = with_noise(imresize_uint8(clean, {0.5, 0.5}), 12.0);
  Options options;
  options.detail = 0.0;
  const torch::Tensor bicubic = imresize(small, {2.0, 2.0}).clamp(0.0, 1.0);
  EXPECT_GT(psnr(restored(small, options), clean), psnr(bicubic, clean) + 1.0);
}

TEST(Restore, AnySizeIsMade) {
  const torch::Tensor photo = with_noise(sharp_photo(), 10.0);
  for (const Scale scale : {Scale{1.0, 1.0}, Scale{1.5, 1.5}, Scale{2.0, 3.0}, Scale{5.0, 5.0}}) {
    Options options;
    options.scale = scale;
    const torch::Tensor image = restored(photo, options);
    const Size size = scaled_size({photo.size(2), photo.size(3)}, scale);
    EXPECT_EQ(image.size(2), size.height);
    EXPECT_EQ(image.size(3), size.width);
    EXPECT_GE(image.min().item<double>(), 0.0);
    EXPECT_LE(image.max().item<double>(), 1.0);
  }
}

TEST(Restore, StrengthZeroAtTheSameSizeIsThePhoto) {
  const torch::Tensor photo = with_noise(sharp_photo(), 10.0);
  Options options;
  options.scale = {1.0, 1.0};
  options.strength = 0.0;
  options.grain = 0.0;
  EXPECT_LT((restored(photo, options) - photo).abs().max().item<double>(), 1e-6);
}

TEST(Restore, StrengthBlendsTheTwoPictures) {
  const torch::Tensor photo = with_noise(sharp_photo(), 10.0);
  Options options;
  options.grain = 0.0;
  const auto at = [&](double strength) {
    options.strength = strength;
    return restored(photo, options);
  };
  const torch::Tensor middle = 0.5 * (at(0.0) + at(1.0));
  EXPECT_LT((at(0.5) - middle).abs().max().item<double>(), 1e-5);
}

TEST(Restore, DenoiseZeroKeepsMoreNoiseThanOne) {
  const torch::Tensor clean = sharp_photo();
  const torch::Tensor noisy = with_noise(clean, 15.0);
  Options options;
  options.scale = {1.0, 1.0};
  options.detail = 0.0;
  options.grain = 0.0;
  const auto error = [&](double denoise) {
    options.denoise = denoise;
    return (restored(noisy, options) - clean).std().item<double>();
  };
  EXPECT_GT(error(0.0), 1.2 * error(1.0));
}

TEST(Restore, GrainComesBackAsMuchAsAskedFor) {
  const torch::Tensor noisy = with_noise(sharp_photo(), 12.0);
  Options options;
  options.scale = {1.0, 1.0};
  const auto at = [&](double grain) {
    options.grain = grain;
    return restored(noisy, options);
  };
  const torch::Tensor without = at(0.0);
  const double half = (at(0.5) - without).std().item<double>();
  const double all = (at(1.0) - without).std().item<double>();
  EXPECT_GT(half, 2.0 / 255.0);
  EXPECT_NEAR(all / half, 2.0, 0.2);
  EXPECT_EQ((at(0.5) - at(0.5)).abs().max().item<double>(), 0.0) << "the same seed, other grain";
}

TEST(Restore, GrayPhotosStayGray) {
  const torch::Tensor photo = with_noise(sharp_photo().mean(1, true), 10.0);
  const torch::Tensor image = restored(photo, {});
  EXPECT_EQ(image.size(1), 1);
}

TEST(Restore, TinyAndFlatPhotosAreServed) {
  for (const torch::Tensor& photo : {torch::full({1, 3, 1, 1}, 0.3), torch::full({1, 1, 5, 9}, 0.7),
                                     torch::full({1, 3, 40, 40}, 1.0), torch::zeros({1, 3, 33, 64})}) {
    // Nothing is painted where there is nothing: flat stays flat.
    for (const double detail : {0.0, 0.3, 1.0}) {
      const torch::Tensor image = restored(photo.to(torch::kFloat32), {.detail = detail});
      EXPECT_EQ(image.size(2), 2 * photo.size(2));
      EXPECT_LT((image - photo.mean()).abs().max().item<double>(), 0.25 / 255.0);
    }
  }
}

TEST(Restore, TheColoursOfLargeAreasStay) {
  const torch::Tensor photo = with_noise(torch::full({1, 3, 64, 64}, 0.45F), 4.0);
  const torch::Tensor image = restored(photo, {.detail = 1.0});
  EXPECT_LT((image.mean({2, 3}) - photo.mean({2, 3})).abs().max().item<double>(), 0.5 / 255.0);
}

TEST(Restore, OptionsOutOfRangeAreRefused) {
  const auto refused = [](auto change) {
    Options options;
    change(options);
    EXPECT_THROW(options.validate(), OptionError);
  };
  refused([](Options& o) { o.strength = 1.5; });
  refused([](Options& o) { o.detail = -0.1; });
  EXPECT_EQ((Options{.scale = {1.0, 1.0}}.detail_in_force()), 0.0);
  EXPECT_GT((Options{.scale = {2.0, 2.0}}.detail_in_force()), 0.0);
  EXPECT_EQ((Options{.scale = {1.0, 1.0}, .detail = 0.5}.detail_in_force()), 0.5);
  refused([](Options& o) { o.denoise = 2.0; });
  refused([](Options& o) { o.dejpeg = -1.0; });
  refused([](Options& o) { o.grain = 1.1; });
  refused([](Options& o) { o.scale = {0.5, 1.0}; });
  refused([](Options& o) { o.tile = 3; });
}

TEST(Models, EndsOfAnotherShapeAreRefused) {
  const WeightsFile faithful = shipped_weights("restorer");
  WeightsFile other = faithful;
  other.tensors[0].tensor = other.tensors[0].tensor.slice(0, 0, 8);
  EXPECT_THROW(Models(faithful, other), InputError);
  EXPECT_THROW(Models(faithful, shipped_weights("edsr-light-x2")), InputError);
}

}  // namespace
}  // namespace zsr::restore
