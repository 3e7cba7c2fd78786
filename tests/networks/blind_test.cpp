// Networks that find the blur themselves: IKC, DAN, DASR.
#include "core/error.h"
#include "core/random.h"
#include "networks/kernel_code.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "nn/weights/load_weights.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>

namespace zsr::networks {
namespace {

WeightsFile drawn_blind(const std::string& name, const std::map<std::string, double>& chosen) {
  const Kind& kind = *find_kind(name);
  const Config config = kind.configured(2, chosen);
  const nn::Graph graph = kind.graph(config);
  Random random(5);
  WeightsFile file = nn::to_weights(graph, nn::initial_values(graph, random));
  file.origin = name;
  file.metadata = config.to_metadata(name);
  return file;
}

// As its authors publish it: three files whose names of tensors are each network's own.
std::vector<WeightsFile> parts_of(const WeightsFile& whole) {
  std::vector<WeightsFile> parts;
  for (const std::string part : {"SFTMD.", "Predictor.", "Corrector."}) {
    WeightsFile file;
    file.origin = part + "pth";
    for (const NamedTensor& entry : whole.tensors) {
      if (entry.name.starts_with(part)) file.tensors.push_back({entry.name.substr(part.size()), entry.tensor});
    }
    parts.push_back(file);
  }
  return parts;
}

TEST(Ikc, ItsThreeFilesInAnyOrderAreTheNetwork) {
  const Kind& kind = *find_kind("ikc");
  const WeightsFile whole = drawn_blind("ikc", {{"width", 8}, {"depth", 1}});
  std::vector<WeightsFile> parts = parts_of(whole);
  EXPECT_EQ(find_kind("ikc")->part_of(parts[0]), "SFTMD");
  EXPECT_EQ(find_kind("ikc")->part_of(parts[1]), "Predictor");
  EXPECT_EQ(find_kind("ikc")->part_of(parts[2]), "Corrector");
  EXPECT_EQ(find_kind("ikc")->part_of(whole), "");
  const Input input{test::texture(3, 13, 12).to(torch::kFloat32), 2};
  const torch::Tensor want = kind.build(whole)->forward(input);
  std::rotate(parts.begin(), parts.begin() + 1, parts.end());
  const WeightsFile joined = join_parts(parts);
  ASSERT_EQ(recognise(joined), &kind);
  EXPECT_TRUE(torch::equal(kind.build(joined)->forward(input), want));
}

TEST(Ikc, JoiningNamesWhatIsWrong) {
  const std::vector<WeightsFile> parts = parts_of(drawn_blind("ikc", {{"width", 8}, {"depth", 1}}));
  const auto message = [](const std::vector<WeightsFile>& files) -> std::string {
    try {
      join_parts(files);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(message({parts[0], parts[1]}).find("lack IKC's Corrector"), std::string::npos);
  EXPECT_NE(message({parts[0], parts[1], parts[1]}).find("both hold IKC's Predictor"), std::string::npos);
  const WeightsFile other = drawn_blind("dan", {{"width", 32}, {"depth", 1}});
  EXPECT_NE(message({parts[0], parts[1], other}).find("'dan' holds none of IKC's"), std::string::npos);
}

TEST(Ikc, PublishedPredictorAndCorrectorFit) {
  const std::filesystem::path folder = std::filesystem::path(ZSR_SHARED_DATA) / "weights/ikc";
  if (!std::filesystem::exists(folder / "Corrector_latest_G.pth")) GTEST_SKIP() << "no published weights";
  const WeightsFile enlarging = parts_of(drawn_blind("ikc", {{"depth", 1}}))[0];
  const WeightsFile joined = join_parts(
      {enlarging, load_weights(folder / "Predictor_latest_G.pth"), load_weights(folder / "Corrector_latest_G.pth")});
  const auto network = find_kind("ikc")->build(joined);
  const torch::Tensor made = network->forward({test::texture(3, 16, 16).to(torch::kFloat32), 2});
  EXPECT_EQ(made.sizes(), (std::vector<int64_t>{1, 3, 32, 32}));
  EXPECT_TRUE(torch::isfinite(made).all().item<bool>());
}

// The basis of the codes and the code of no blur come with the file; an optimiser leaves them alone.
TEST(Dan, TheBasisOfTheCodesIsNotTrained) {
  const Kind& kind = *find_kind("danv2");
  const nn::Model model(kind.graph(kind.configured(2, {{"width", 32}, {"depth", 1}, {"kernel", 5}, {"groups", 1}})));
  Random random(2);
  const torch::Tensor first = nn::initial_values(model.graph(), random);
  const torch::Tensor values = (first + 0.01 * torch::randn_like(first)).requires_grad_(true);
  model.forward({torch::rand({2, 3, 12, 12})}, values, 2, true).square().mean().backward();
  const auto largest = [&](const std::string& name) {
    const nn::Parameter& own = model.graph().parameters()[static_cast<size_t>(model.graph().find(name).value())];
    return values.grad().narrow(0, own.offset, own.count()).abs().max().item<double>();
  };
  EXPECT_EQ(largest("encoder"), 0.0);
  EXPECT_EQ(largest("init_ker_map"), 0.0);
  EXPECT_GT(largest("Estimator.tail.2.weight"), 0.0);
  EXPECT_GT(largest("Restorer.head2.weight"), 0.0);
}

TEST(KernelCode, ComponentsAreOrthonormalAndHoldGaussians) {
  constexpr int64_t kSide = 21;
  constexpr int64_t kCount = 10;
  const torch::Tensor basis = torch::tensor(gaussian_components(kSide, kCount)).view({kSide * kSide, kCount});
  const torch::Tensor products = torch::mm(basis.t(), basis);
  EXPECT_LT((products - torch::eye(kCount)).abs().max().item<double>(), 1e-5);
  const torch::Tensor kernel = gaussian_kernel(kSide, 2.2, 1.4, 0.3).weights().to(torch::kFloat32).reshape({1, -1});
  const torch::Tensor back = torch::mm(torch::mm(kernel, basis), basis.t());
  EXPECT_LT((back - kernel).norm().item<double>(), 0.2 * kernel.norm().item<double>());
  torch::Tensor delta = torch::zeros({1, kSide * kSide});
  delta[0][kSide * kSide / 2] = 1.0;
  EXPECT_LT((torch::mm(delta, basis)[0] - torch::tensor(delta_code(kSide, kCount))).abs().max().item<double>(), 1e-6);
}

// What the encoder sees decides what is done to all pixels: a photo whose one corner changes is another result in the
// other corner too, far from any convolution's reach.
TEST(Blind, TheResultFollowsTheWholePhoto) {
  for (const char* const name : {"dasr", "dan", "danv2", "ikc"}) {
    const Kind& kind = *find_kind(name);
    std::map<std::string, double> small{{"width", 32}, {"depth", 1}};
    if (std::string(name) == "dasr") small["groups"] = 1;
    WeightsFile file = drawn_blind(name, small);
    torch::manual_seed(3);
    for (NamedTensor& entry : file.tensors) entry.tensor += 0.01 * torch::randn_like(entry.tensor);
    const auto network = kind.build(file);
    EXPECT_EQ(network->traits().reach, Traits::kWholePhoto) << name;
    const torch::Tensor photo = test::texture(3, 96, 96).to(torch::kFloat32);
    torch::Tensor changed = photo.clone();
    changed.slice(2, 0, 24).slice(3, 0, 24).zero_();
    const auto corner = [&](const torch::Tensor& image) {
      return network->forward({image, 2}).slice(2, 180).slice(3, 180);
    };
    EXPECT_GT((corner(photo) - corner(changed)).abs().max().item<double>(), 0.0) << name;
  }
}

}  // namespace
}  // namespace zsr::networks
