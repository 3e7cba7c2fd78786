#include "srmd/srmd.h"

#include "core/error.h"
#include "degradations/filter.h"
#include "degradations/kernel_families.h"
#include "image/resize.h"
#include "nn/weights/shipped.h"
#include "srmd/kernel_before_imresize.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::srmd {
namespace {

// Random weights of the published shape.
WeightsFile random_weights(int64_t scale, bool noise, const char* prefix) {
  torch::manual_seed(4);
  WeightsFile file{"random", "test", {}, {}};
  for (int64_t i = 0; i < 12; ++i) {
    const int64_t in = i == 0 ? (noise ? 19 : 18) : 128;
    const int64_t out = i == 11 ? 3 * scale * scale : 128;
    const std::string name = prefix + std::to_string(2 * i);
    file.tensors.push_back({name + ".weight", torch::randn({out, in, 3, 3}) * std::sqrt(2.0 / (9.0 * in))});
    file.tensors.push_back({name + ".bias", 0.1 * torch::randn({out})});
  }
  return file;
}

TEST(SrmdNetwork, HasThePublishedSizesUnderBothNamings) {
  EXPECT_EQ(Network(random_weights(2, true, "Conv_")).parameter_count(), 1511692);
  EXPECT_EQ(Network(random_weights(3, true, "model.")).parameter_count(), 1528987);
  EXPECT_EQ(Network(random_weights(4, true, "Conv_")).parameter_count(), 1553200);
  const Network free(random_weights(4, false, "model."));
  EXPECT_EQ(free.parameter_count(), 1552048);
  EXPECT_EQ(free.scale(), 4);
  EXPECT_FALSE(free.knows_noise());
  WeightsFile wrong = random_weights(2, true, "Conv_");
  wrong.tensors[4].tensor = torch::zeros({128, 64, 3, 3});
  EXPECT_THROW(Network{wrong}, InputError);
  EXPECT_THROW(Network(WeightsFile{"empty", "test", {}, {}}), InputError);
}

TEST(SrmdNetwork, EqualsTheLayersOneByOneInDoublePrecision) {
  const WeightsFile weights = random_weights(3, true, "Conv_");
  const torch::Tensor maps = torch::rand({1, 19, 20, 23});
  torch::Tensor x = maps.to(torch::kFloat64);
  for (size_t i = 0; i < 12; ++i) {
    x = torch::conv2d(x, weights.tensors[2 * i].tensor.to(torch::kFloat64),
                      weights.tensors[2 * i + 1].tensor.to(torch::kFloat64), 1, 1);
    if (i < 11) x = torch::relu(x);
  }
  const torch::Tensor wanted = torch::pixel_shuffle(x, 3);
  const torch::Tensor made = Network(weights).forward(maps).to(torch::kFloat64);
  EXPECT_LT(test::max_difference(made, wanted), 1e-3 * wanted.abs().max().item<double>());
}

TEST(Srmd, TilesAndGrayAndEnsemble) {
  const Network network(random_weights(2, true, "Conv_"));
  const KernelPca pca = KernelPca::srmd(200);
  const torch::Tensor photo = test::texture(3, 60, 50).to(torch::kFloat32);
  Options options{.kernels = {1, 1, {gaussian_kernel(15, 1.8, 1.2, 0.5, {0.5, 0.5})}}, .noise = 5.0};
  const torch::Tensor whole = run(photo, network, pca, options).image;
  EXPECT_EQ(whole.sizes(), (std::vector<int64_t>{1, 3, 120, 100}));
  options.tile = 16;
  EXPECT_LT(test::max_difference(run(photo, network, pca, options).image, whole), 1e-4);
  EXPECT_EQ(run(photo.slice(1, 0, 1), network, pca, options).image.size(1), 1);
  // The ensemble of a turned photo with a turned kernel is the turned ensemble.
  options.self_ensemble = true;
  const torch::Tensor plain = run(photo, network, pca, options).image;
  options.kernels.kernels = {BlurKernel(options.kernels.kernels[0].weights().rot90(1, {0, 1}))};
  const torch::Tensor turned = run(photo.rot90(1, {2, 3}).contiguous(), network, pca, options).image;
  EXPECT_LT(test::max_difference(turned.rot90(3, {2, 3}), plain), 1e-3);
  options.noise = 80.0;
  EXPECT_THROW(run(photo, network, pca, options), OptionError);
}

TEST(Srmd, FlatPicturesStayFlat) {
  for (const int scale : {2, 3, 4}) {
    const WeightsFile weights = shipped_weights("srmd-light-x" + std::to_string(scale));
    const Network network(weights);
    const KernelPca pca = KernelPca::from_basis(*weights.find("pca"), weights.origin);
    for (const double level : {0.0, 128.0, 255.0}) {
      const torch::Tensor photo = torch::full({1, 3, 24, 20}, level / 255.0);
      const torch::Tensor made = run(photo, network, pca, {}).image;
      EXPECT_LE(255.0 * (made - level / 255.0).abs().max().item<double>(), 1.0) << "x" << scale << ", " << level;
    }
  }
}

TEST(Srmd, LowFrequenciesComeFromThePhotoWhereAsked) {
  WeightsFile weights = random_weights(2, true, "Conv_");
  for (size_t i = 0; i < weights.tensors.size(); ++i) weights.tensors[i].tensor *= 0.1;
  weights.tensors.back().tensor.fill_(0.4);  // the last bias: everything is about 0.4
  const Network network(weights);
  const KernelPca pca = KernelPca::srmd(200);
  const torch::Tensor photo = 0.1 + 0.2 * test::texture(3, 64, 64).to(torch::kFloat32);
  Options options;
  const double off = (run(photo, network, pca, options).image.mean() - photo.mean()).item<double>();
  options.keep_low_frequencies = true;
  const double kept = (run(photo, network, pca, options).image.mean() - photo.mean()).item<double>();
  EXPECT_GT(std::abs(off), 0.05);
  EXPECT_LT(std::abs(kept), 0.01);
}

TEST(Srmd, MapsThatVaryGiveEachPlaceItsOwnKernelAndNoise) {
  const Network network(random_weights(2, true, "Conv_"));
  const KernelPca pca = KernelPca::srmd(200);
  const torch::Tensor photo = test::texture(3, 24, 96).to(torch::kFloat32);
  const BlurKernel narrow = gaussian_kernel(15, 1.0, 0.8, 0.0, {0.5, 0.5});
  const BlurKernel wide = gaussian_kernel(15, 2.5, 1.6, 0.4, {0.5, 0.5});
  const auto made = [&](const Options& options) { return run(photo, network, pca, options).image; };
  const torch::Tensor left = made({.kernels = {1, 1, {narrow}}, .noise = 2.0});
  const torch::Tensor right = made({.kernels = {1, 1, {wide}}, .noise = 9.0});
  torch::Tensor noise = torch::full({1, 1, 24, 96}, 2.0);
  noise.slice(3, 48).fill_(9.0);
  // Four columns: between the first two cells' middles and the last two's the code stays one kernel's.
  const Options varied{.kernels = {1, 4, {narrow, narrow, wide, wide}}, .noise_map = noise};
  const torch::Tensor both = made(varied);
  EXPECT_LT(test::max_difference(both.slice(3, 0, 48), left.slice(3, 0, 48)), 1e-4);
  EXPECT_LT(test::max_difference(both.slice(3, -48), right.slice(3, -48)), 1e-4);
  EXPECT_GT(test::max_difference(left, right), 0.01);
  // Turned with its maps: the ensemble of the turned photo is the turned ensemble.
  Options ensemble = varied;
  ensemble.self_ensemble = true;
  const auto turned_kernel = [](const BlurKernel& kernel) { return BlurKernel(kernel.weights().rot90(1, {0, 1})); };
  Options turned = ensemble;
  turned.noise_map = noise.rot90(1, {2, 3});
  turned.kernels = {4, 1, {turned_kernel(wide), turned_kernel(wide), turned_kernel(narrow), turned_kernel(narrow)}};
  const torch::Tensor sideways = run(photo.rot90(1, {2, 3}).contiguous(), network, pca, turned).image;
  EXPECT_LT(test::max_difference(sideways.rot90(3, {2, 3}), made(ensemble)), 1e-3);
  EXPECT_THROW(made({.kernels = {2, 2, {narrow}}}), OptionError);
  EXPECT_THROW(made({.noise_map = torch::zeros({1, 1, 24, 95})}), OptionError);
  EXPECT_THROW(made({.noise_map = torch::full({1, 1, 24, 96}, 80.0)}), OptionError);
}

// Blurring by the whole kernel and taking every third pixel, against blurring by what stands before imresize and
// imresize: nearly the same small photo, and nearer than without the change.
TEST(Srmd, KernelBeforeImresizeMakesTheSamePhoto) {
  const torch::Tensor photo =
      correlate(test::random_bytes(3, 96, 96).to(torch::kFloat64), gaussian_kernel(7, 1.0, 1.0).weights());
  const BlurKernel whole = gaussian_kernel(21, 1.8, 1.5, 0.3);
  const auto every_third = [](const torch::Tensor& image) {
    return image.slice(2, 1, c10::nullopt, 3).slice(3, 1, c10::nullopt, 3);
  };
  const torch::Tensor direct = every_third(correlate(photo, whole.weights()));
  const auto by_imresize = [&](const BlurKernel& kernel) {
    const torch::Tensor small = imresize(correlate(photo, kernel.weights()), {1.0 / 3.0, 1.0 / 3.0});
    return (small - direct).slice(2, 4, -4).slice(3, 4, -4).square().mean().item<double>();
  };
  const double changed = by_imresize(KernelBeforeImresize(3)(whole));
  EXPECT_LT(changed, 0.4 * by_imresize(whole));
  EXPECT_LT(changed, 1e-4);  // 40 dB
  // Narrower than imresize's blur: a point.
  const torch::Tensor point = KernelBeforeImresize(4)(gaussian_kernel(15, 0.5, 0.5)).weights();
  EXPECT_GT(point[7][7].item<double>(), 0.99);
}

}  // namespace
}  // namespace zsr::srmd
