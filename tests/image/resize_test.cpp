#include "image/resize.h"

#include "core/error.h"
#include "image/photo.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace zsr {
namespace {

using test::max_difference;

// 6x5 image whose golden values below come from an independent NumPy implementation of MATLAB's published imresize
// source (weights by rows, symmetric border), not from this code.
torch::Tensor golden_input() {
  return torch::arange(30, torch::kFloat64).mul(37).remainder(251).view({1, 1, 6, 5});
}

torch::Tensor expected(std::vector<double> values, int64_t height, int64_t width) {
  return torch::tensor(values, torch::kFloat64).view({1, 1, height, width});
}

TEST(Imresize, MatchesReferenceForHalfScale) {
  const auto want = expected({93.92800903, 83.53353882, 107.0495605, 117.3396149, 150.1700287, 122.8127441, 165.7187042,
                              112.6968231, 95.86425781},
                             3, 3);
  EXPECT_LT(max_difference(imresize(golden_input(), {0.5, 0.5}), want), 1e-6);
}

TEST(Imresize, MatchesReferenceForDifferentFactorsPerAxis) {
  const auto want =
      expected({39.05307211, 61.89638521, 76.91913989, 51.94399477, 63.78849338, 95.50290757, 132.3998702, 144.4492274,
                158.6025339, 186.5668088, 189.4417181, 111.0176534, 119.3352685, 128.0958817, 51.44380947, 26.79744194,
                72.43573706, 80.54580574, 100.379599,  135.9740312, 172.6150662, 188.0045274, 158.047165,  148.5193157,
                223.6350871, 138.5859547, 64.56152911, 100.4381336, 93.31167219, 86.54290839, 122.0033572, 133.3857616,
                164.7061764, 193.6279935, 233.7066401, 270.111736,  143.1654572, 16.8540222,  55.79849352, 67.59016691},
               5, 8);
  EXPECT_LT(max_difference(imresize(golden_input(), {0.75, 1.5}), want), 1e-6);
}

TEST(Imresize, MatchesReferenceForEveryFilter) {
  const std::vector<std::pair<Interpolation, std::vector<double>>> cases = {
      {Interpolation::kLinear,
       {98.125, 85.04166667, 104.640625, 119.484375, 135.5972222, 129.921875, 160.453125, 133.8611111, 96.375}},
      {Interpolation::kBox, {111, 41, 96.5, 104.5, 160, 152.75, 160.75, 153.5, 83.5}},
      {Interpolation::kLanczos2,
       {95.33681905, 80.40453783, 101.6753343, 116.423703, 143.561711, 135.0337796, 167.464603, 130.5337512,
        93.06576111}},
      {Interpolation::kLanczos3,
       {90.9218452, 83.34107672, 100.2271682, 119.7488823, 142.4766574, 134.860776, 169.058073, 128.6822659,
        94.18325533}},
  };
  for (const auto& [method, want] : cases) {
    ResizeOptions options;
    options.method = method;
    EXPECT_LT(max_difference(imresize(golden_input(), {0.5, 0.6}, options), expected(want, 3, 3)), 1e-6)
        << "filter " << static_cast<int>(method);
  }
}

TEST(Imresize, MatchesReferenceWithoutAntialiasing) {
  ResizeOptions options;
  options.antialias = false;
  const auto want = expected(
      {121.6367188, 38.1328125, 125.7109375, 93.36328125, 203.9921875, 95.4765625, 162.15625, 105.125, 102.5}, 3, 3);
  EXPECT_LT(max_difference(imresize(golden_input(), {0.5, 0.5}, options), want), 1e-6);
}

TEST(Imresize, MatchesReferenceForDoubling) {
  const auto want =
      expected({-20.8125,    -11.24682617, 7.884521484, 33.68603516, 66.15771484, 91.09204102, 108.4890137,
                127.3046875, 147.5390625,  157.65625,   35.65625,    47.10626221, 70.00628662, 73.82385254,
                58.55895996, 61.37145996,  82.26135254, 104.5699463, 128.2972412, 140.1608887},
               2, 10);
  EXPECT_LT(max_difference(imresize(golden_input(), {2.0, 2.0}).slice(2, 0, 2), want), 1e-6);
}

TEST(Imresize, KeepsConstantImages) {
  const torch::Tensor flat = torch::full({1, 2, 7, 9}, 0.375, torch::kFloat64);
  for (const Scale scale : {Scale{2, 2}, Scale{0.5, 0.5}, Scale{1.37, 0.29}, Scale{1.0 / 3, 5}}) {
    EXPECT_LT((imresize(flat, scale) - 0.375).abs().max().item<double>(), 1e-12);
  }
}

TEST(Imresize, WorksOnOnePixelAndOneRow) {
  EXPECT_EQ(imresize(torch::rand({1, 1, 1, 1}), {3, 3}).sizes(), (std::vector<int64_t>{1, 1, 3, 3}));
  EXPECT_EQ(imresize(torch::rand({1, 3, 1, 50}), {0.5, 0.5}).sizes(), (std::vector<int64_t>{1, 3, 1, 25}));
}

TEST(Imresize, SizeIsCeilOfScaleTimesSizeWithoutRoundingNoise) {
  EXPECT_EQ(scaled_size({10, 7}, {0.1, 0.5}), (Size{1, 4}));
  EXPECT_EQ(scaled_size({9, 9}, {1.0 / 3.0, 4.0 / 3.0}), (Size{3, 12}));
  EXPECT_EQ(scaled_size({1, 1}, {0.01, 1.1}), (Size{1, 2}));
}

TEST(Imresize, Float32AgreesWithFloat64) {
  const torch::Tensor image = test::texture(3, 40, 52);
  for (const Scale scale : {Scale{2, 2}, Scale{0.25, 0.25}, Scale{1.5, 0.7}}) {
    EXPECT_LT(max_difference(imresize(image.to(torch::kFloat32), scale), imresize(image, scale)), 2e-6);
  }
}

TEST(Imresize, GradientIsTheTransposedMatrix) {
  const torch::Tensor image = test::texture(1, 9, 11).requires_grad_(true);
  const torch::Tensor result = imresize(image, {0.6, 1.7});
  const torch::Tensor weight = test::texture(1, result.size(2), result.size(3), 5);
  (result * weight).sum().backward();
  const torch::Tensor rows = ResampleMatrix(9, result.size(2), 0.6, {}, std::nullopt).dense();
  const torch::Tensor columns = ResampleMatrix(11, result.size(3), 1.7, {}, std::nullopt).dense();
  const torch::Tensor want = torch::matmul(torch::matmul(rows.t(), weight), columns);
  EXPECT_LT(max_difference(image.grad(), want), 1e-12);
}

TEST(Imresize, CornerPhaseKeepsEverySamplePlace) {
  // With phase 0, HR pixel s * i is LR pixel i itself.
  ResizeOptions corner;
  corner.phase = Phase{0.0, 0.0};
  const torch::Tensor image = test::texture(1, 8, 9);
  const torch::Tensor twice = imresize(image, {2, 2}, corner);
  EXPECT_LT(max_difference(twice.slice(2, 0, 16, 2).slice(3, 0, 18, 2), image), 1e-12);
}

TEST(Imresize, RefusesAbsurdScales) {
  EXPECT_THROW(ResampleMatrix(4, 4, 0.0, {}, std::nullopt), OptionError);
  EXPECT_THROW(ResampleMatrix(4, 4, std::nan(""), {}, std::nullopt), OptionError);
  EXPECT_THROW(ResampleMatrix(0, 4, 1.0, {}, std::nullopt), OptionError);
}

TEST(ImresizeUint8, RoundsAfterEachPass) {
  // Column (1, 0)^T halves to 0.5 -> level 1; a row of such columns then stays 1. Rounding once at the end would give
  // the same here, but (1, 0; 0, 0) tells: 0.5 -> 1 (rows), then (1 + 0) / 2 -> 1; rounding once gives 0.25 -> 0.
  const torch::Tensor image = torch::tensor({1.0, 0.0, 0.0, 0.0}, torch::kFloat64).view({1, 1, 2, 2}) / 255.0;
  ResizeOptions box;
  box.method = Interpolation::kBox;
  EXPECT_EQ(std::lround(imresize_uint8(image, {0.5, 0.5}, box).item<double>() * 255.0), 1);
  EXPECT_EQ(std::lround(quantize(imresize(image, {0.5, 0.5}, box)).item<double>() * 255.0), 0);
}

TEST(ImresizeUint8, ReproducesPublishedLrFilesToTheByte) {
  const std::filesystem::path set = std::filesystem::path(ZSR_SHARED_DATA) / "benchmark/Set5";
  if (!std::filesystem::exists(set)) GTEST_SKIP() << "public Set5 files are not here";
  ResizeOptions options;
  options.border = ResizeBorder::kReplicate;
  for (const int64_t scale : {2, 3, 4}) {
    for (int64_t image = 1; image <= 5; ++image) {
      const std::string name = "_x" + std::to_string(scale) + "/img_00" + std::to_string(image) + ".png";
      const torch::Tensor hr = load_photo(set / ("HR" + name)).color;
      const torch::Tensor lr = load_photo(set / ("LR" + name)).color;
      const double factor = 1.0 / static_cast<double>(scale);
      EXPECT_LT(max_difference(imresize_uint8(hr, {factor, factor}, options), lr), 0.5 / 255.0) << name;
    }
  }
}

}  // namespace
}  // namespace zsr
