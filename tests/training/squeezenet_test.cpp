#include "core/error.h"
#include "core/files.h"
#include "tests/training/support.h"
#include "training/content_features.h"
#include "training/losses.h"
#include "training/squeezenet_features.h"
#include "training/squeezenet_file.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

namespace zsr::training {
namespace {

struct Encoded {
  std::string bytes;
  WeightsFile tensors;  // what the file says
};

template <typename Number>
void append(std::string& bytes, Number value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// One layer whose codes stand 1 to 16 places apart; appends its tensors to `known`.
std::string encode(const SqueezeNetLayer& layer, std::mt19937& random, uint32_t& count, WeightsFile& known) {
  const double deviation = std::sqrt(17.0 / static_cast<double>(layer.in * layer.side * layer.side));
  std::normal_distribution<float> values(0.0F, static_cast<float>(deviation));
  std::array<float, 256> codebook = {};
  for (float& value : codebook) value = values(random);  // entry 0 too: a code of 0 is 0 whatever it says
  std::vector<float> bias(static_cast<size_t>(layer.out));
  for (float& value : bias) value = 0.1F * values(random);
  std::vector<float> weight(static_cast<size_t>(layer.weight_count()), 0.0F);
  std::string codes;
  std::vector<int> gaps;
  for (size_t place = 0;;) {
    const int gap = static_cast<int>(random() % 16);
    place += static_cast<size_t>(gap);
    if (place >= weight.size()) break;
    const auto code = static_cast<uint8_t>(random() % 256);
    weight[place++] = code == 0 ? 0.0F : codebook[code];
    codes.push_back(static_cast<char>(code));
    gaps.push_back(gap);
  }
  count = static_cast<uint32_t>(gaps.size());
  if (gaps.size() % 2 != 0) gaps.push_back(0);
  std::string bytes;
  for (const float value : codebook) append(bytes, value);
  for (const float value : bias) append(bytes, value);
  bytes += codes;
  for (size_t i = 0; i < gaps.size(); i += 2) bytes.push_back(static_cast<char>(gaps[i] + 16 * gaps[i + 1]));
  known.tensors.push_back({layer.name + ".weight", torch::tensor(weight).view(layer.shape())});
  known.tensors.push_back({layer.name + ".bias", torch::tensor(bias)});
  return bytes;
}

// A valid file of random weights.
const Encoded& encoded() {
  static const Encoded file = [] {
    std::mt19937 random(5);
    Encoded result;
    std::string layers;
    for (const SqueezeNetLayer& layer : squeezenet_layers()) {
      uint32_t count = 0;
      layers += encode(layer, random, count, result.tensors);
      append(result.bytes, count);
    }
    result.bytes += layers;
    return result;
  }();
  return file;
}

// The message of the InputError for `bytes`.
std::string refusal(const std::string& bytes) {
  try {
    parse_squeezenet(bytes, "weights.net");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

torch::Tensor picture(int64_t side, uint64_t seed = 1) {
  return test::texture(3, side, side, seed).clamp(0.0, 1.0);
}

TEST(SqueezeNetFile, HasTheSizeOfThePublishedNetwork) {
  int64_t count = 0;
  for (const SqueezeNetLayer& layer : squeezenet_layers()) count += layer.weight_count() + layer.out;
  EXPECT_EQ(count, 1248424);  // Iandola et al. 2016
  EXPECT_EQ(squeezenet_layers().size(), 26U);
}

TEST(SqueezeNetFile, DecodesWhatWasEncoded) {
  ASSERT_TRUE(is_squeezenet(encoded().bytes));
  const WeightsFile decoded = parse_squeezenet(encoded().bytes, "weights.net");
  ASSERT_EQ(decoded.tensors.size(), 52U);
  for (size_t i = 0; i < decoded.tensors.size(); ++i) {
    EXPECT_EQ(decoded.tensors[i].name, encoded().tensors.tensors[i].name);
    EXPECT_TRUE(torch::equal(decoded.tensors[i].tensor, encoded().tensors.tensors[i].tensor))
        << decoded.tensors[i].name;
  }
}

TEST(SqueezeNetFile, RefusesTruncatedFiles) {
  const std::string& bytes = encoded().bytes;
  for (const size_t length : {size_t{0}, size_t{3}, size_t{103}}) {
    EXPECT_NE(refusal(bytes.substr(0, length)).find("no SqueezeNet"), std::string::npos) << length;
  }
  // After the counts, in the first codebook, biases, codes and gaps, in the middle and one byte before the end.
  for (const size_t length :
       {size_t{104}, size_t{500}, size_t{1300}, size_t{2000}, size_t{3500}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_NE(refusal(bytes.substr(0, length)).find("it ends inside layer"), std::string::npos) << length;
  }
  EXPECT_NE(refusal(bytes + "x").find("1 bytes too long"), std::string::npos);
}

TEST(SqueezeNetFile, RefusesDamagedContent) {
  std::string bytes = encoded().bytes;
  const uint32_t too_many = 96 * 3 * 7 * 7 + 1;
  std::memcpy(bytes.data(), &too_many, sizeof too_many);
  EXPECT_FALSE(is_squeezenet(bytes));
  EXPECT_NE(refusal(bytes).find("no SqueezeNet"), std::string::npos);

  bytes = encoded().bytes;
  const float infinite = std::numeric_limits<float>::infinity();
  std::memcpy(bytes.data() + 104 + 4 * 17, &infinite, sizeof infinite);
  EXPECT_NE(refusal(bytes).find("'conv1' holds values that are not finite"), std::string::npos);

  bytes = encoded().bytes;
  uint32_t count = 0;
  std::memcpy(&count, bytes.data(), sizeof count);
  const size_t gaps = 104 + 1024 + 4 * 96 + count;
  std::fill_n(bytes.begin() + static_cast<int64_t>(gaps), (count + 1) / 2, '\xff');
  EXPECT_NE(refusal(bytes).find("'conv1' has weights beyond its end"), std::string::npos);
}

// The network layer by layer from the tensors that were encoded, written apart from the library.
torch::Tensor reference_distance(const torch::Tensor& a, const torch::Tensor& b) {
  const auto conv = [](const torch::Tensor& x, const std::string& name, int64_t stride, int64_t padding) {
    return torch::relu(torch::conv2d(x, *encoded().tensors.find(name + ".weight"),
                                     *encoded().tensors.find(name + ".bias"), stride, padding));
  };
  const auto fire = [&](const torch::Tensor& x, const std::string& name) {
    const torch::Tensor squeezed = conv(x, name + ".squeeze", 1, 0);
    return torch::cat({conv(squeezed, name + ".expand1", 1, 0), conv(squeezed, name + ".expand3", 1, 1)}, 1);
  };
  // Pooling that covers the border: the map is continued by -infinity to an odd size.
  const auto pool = [](const torch::Tensor& x) {
    const int64_t down = 1 - x.size(2) % 2;
    const int64_t right = 1 - x.size(3) % 2;
    const double least = -std::numeric_limits<double>::infinity();
    return torch::max_pool2d(torch::constant_pad_nd(x, {0, right, 0, down}, least), 3, 2);
  };
  const auto features = [&](const torch::Tensor& image) {
    const std::vector<torch::Tensor> color = image.mul(255.0).unbind(1);
    torch::Tensor x = conv(torch::stack({color[2] - 104.0, color[1] - 117.0, color[0] - 123.0}, 1), "conv1", 2, 0);
    std::vector<torch::Tensor> maps = {fire(pool(x), "fire2")};
    maps.push_back(fire(maps[0], "fire3"));
    maps.push_back(fire(maps[1], "fire4"));
    maps.push_back(fire(pool(maps[2]), "fire5"));
    maps.push_back(fire(fire(maps[3], "fire6"), "fire7"));
    return maps;
  };
  const std::vector<torch::Tensor> of_a = features(a);
  const std::vector<torch::Tensor> of_b = features(b);
  torch::Tensor sum = torch::zeros({});
  for (size_t i = 0; i < of_a.size(); ++i) {
    // |u - v|^2 = 2 - 2 cos for vectors of length one.
    const torch::Tensor cosine =
        (of_a[i] * of_b[i]).sum(1) / (of_a[i].square().sum(1) * of_b[i].square().sum(1)).sqrt();
    sum += (2.0 - 2.0 * cosine).mean();
  }
  return sum / static_cast<double>(of_a.size());
}

TEST(SqueezeNetFeatures, EqualTheNetworkLayerByLayer) {
  const SqueezeNetFeatures features(encoded().tensors);
  for (const int64_t side : {32, 45, 64}) {
    const torch::Tensor a = torch::cat({picture(side, 1), picture(side, 2)}).to(torch::kFloat32);
    const torch::Tensor b = torch::cat({picture(side, 3), picture(side, 4)}).to(torch::kFloat32);
    const double expected = reference_distance(a, b).item<double>();
    EXPECT_GT(expected, 0.01);
    EXPECT_NEAR(features.distance(a, b).item<double>(), expected, 1e-4 * expected) << side;
  }
}

TEST(SqueezeNetFeatures, GrowWithBlurAndNoise) {
  const SqueezeNetFeatures features(encoded().tensors);
  const torch::Tensor image = picture(64).to(torch::kFloat32);
  EXPECT_EQ(features.distance(image, image).item<double>(), 0.0);
  torch::manual_seed(9);
  const torch::Tensor noise = torch::randn_like(image);
  double last_blur = 0.0;
  double last_noise = 0.0;
  for (const int64_t step : {1, 2, 3}) {
    const torch::Tensor padded = torch::reflection_pad2d(image, {step, step, step, step});
    const double blur = features.distance(torch::avg_pool2d(padded, 2 * step + 1, 1), image).item<double>();
    const double noisy = features.distance(image + 0.02 * static_cast<double>(step) * noise, image).item<double>();
    EXPECT_GT(blur, last_blur);
    EXPECT_GT(noisy, last_noise);
    last_blur = blur;
    last_noise = noisy;
  }
  EXPECT_LE(last_blur, 2.0);
}

TEST(SqueezeNetFeatures, GradientEqualsFiniteDifferences) {
  const SqueezeNetFeatures features(encoded().tensors);
  const torch::Tensor target = picture(40, 1);
  const torch::Tensor start = picture(40, 2);
  torch::manual_seed(4);
  const torch::Tensor direction = torch::randn_like(start);
  const torch::Tensor made = start.clone().requires_grad_();
  features.distance(made, target).backward();
  const double slope = (made.grad() * direction).sum().item<double>();
  constexpr double kStep = 1e-7;
  const double ahead = features.distance(start + kStep * direction, target).item<double>();
  const double behind = features.distance(start - kStep * direction, target).item<double>();
  EXPECT_NEAR((ahead - behind) / (2.0 * kStep), slope, 1e-4 * std::abs(slope));
  EXPECT_GT(std::abs(slope), 1e-6);
  // Nothing is handed to the weights or to the target.
  EXPECT_FALSE(features.distance(target, start).requires_grad());
}

TEST(SqueezeNetFeatures, GradientIsFiniteForEqualImages) {
  const SqueezeNetFeatures features(encoded().tensors);
  for (const torch::Tensor& image : {torch::zeros({1, 3, 32, 32}), torch::ones({1, 3, 32, 32})}) {
    const torch::Tensor made = image.clone().requires_grad_();
    features.distance(made, image).backward();
    EXPECT_TRUE(torch::isfinite(made.grad()).all().item<bool>());
  }
}

TEST(SqueezeNetFeatures, LeaveOutLayersThatAreTooSmall) {
  const torch::Tensor a = picture(64, 1).to(torch::kFloat32);
  const torch::Tensor b = picture(64, 2).to(torch::kFloat32);
  const auto distance = [&](const std::vector<std::string>& layers, int64_t side) {
    const SqueezeNetFeatures features(encoded().tensors, layers);
    return features.distance(a.slice(2, 0, side).slice(3, 0, side), b.slice(2, 0, side).slice(3, 0, side))
        .item<double>();
  };
  EXPECT_EQ(distance({"fire4", "fire9"}, 32), distance({"fire4"}, 32));
  EXPECT_NE(distance({"fire4", "fire8"}, 32), distance({"fire4"}, 32));
  EXPECT_NE(distance({"fire4", "fire9"}, 64), distance({"fire4"}, 64));
  EXPECT_GT(distance({"conv1"}, 9), 0.0);
  EXPECT_THROW(distance({"conv1"}, 8), OptionError);
  EXPECT_THROW(distance({"fire9"}, 32), OptionError);
}

TEST(SqueezeNetFeatures, RefuseUnknownLayersAndSizesThatDiffer) {
  const std::vector<std::vector<std::string>> wrong = {{}, {"fire1"}, {"conv10"}, {"conv5_4"}, {"fire2", ""}};
  for (const std::vector<std::string>& layers : wrong) {
    EXPECT_THROW(SqueezeNetFeatures(encoded().tensors, layers), OptionError);
  }
  const SqueezeNetFeatures features(encoded().tensors);
  EXPECT_THROW(features.distance(torch::rand({1, 3, 32, 32}), torch::rand({1, 3, 32, 40})), OptionError);
  EXPECT_THROW(SqueezeNetFeatures(WeightsFile{"empty", "test", {}, {}}), InputError);
}

TEST(ContentFeatures, LoadSqueezeNetByItsContent) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "content_features.any";
  write_file_atomically(path, encoded().bytes, Overwrite::kYes);
  const torch::Tensor a = picture(32, 1).to(torch::kFloat32);
  const torch::Tensor b = picture(32, 2).to(torch::kFloat32);
  const LossHelpers helpers{load_content_features(path), nullptr};
  EXPECT_EQ(total_loss(parse_losses("content:2"), helpers, a, b, a).item<double>(),
            2.0 * SqueezeNetFeatures(encoded().tensors).distance(a, b).item<double>());
  EXPECT_EQ(load_content_features(path, "fire3,conv1")->distance(a, b).item<double>(),
            SqueezeNetFeatures(encoded().tensors, {"conv1", "fire3"}).distance(a, b).item<double>());
  EXPECT_THROW(load_content_features(path, "conv5_4"), OptionError);

  write_file_atomically(path, encoded().bytes.substr(0, 5000), Overwrite::kYes);
  EXPECT_THROW(load_content_features(path), InputError);
  write_file_atomically(path, "neither of the networks", Overwrite::kYes);
  EXPECT_THROW(load_content_features(path), InputError);
  std::filesystem::remove(path);
  EXPECT_THROW(load_content_features(path), IoError);
}

}  // namespace
}  // namespace zsr::training
